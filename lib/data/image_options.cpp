#include "data/image_options.h"

#include <charconv>

namespace iflow {

std::string size_text(const std::optional<ImageSize>& size) {
  if (!size) return {};
  return std::to_string(size->height) + "x" + std::to_string(size->width);
}

std::optional<ImageSize> parse_size(const std::string& text) {
  ImageSize size;
  const char* const end = text.data() + text.size();
  const auto height = std::from_chars(text.data(), end, size.height);
  if (height.ec != std::errc() || height.ptr == end || *height.ptr != 'x') return std::nullopt;
  const auto width = std::from_chars(height.ptr + 1, end, size.width);
  if (width.ec != std::errc() || width.ptr != end) return std::nullopt;
  const bool is_sane = size.height >= 1 && size.height <= kLargestImageSide && size.width >= 1 &&
                       size.width <= kLargestImageSide;
  if (!is_sane) return std::nullopt;
  return size;
}

}  // namespace iflow
