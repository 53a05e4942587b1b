#include "image_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "number_checks.h"

namespace iflow {
namespace {

constexpr const char* kGroup = "Images";
constexpr std::size_t kLargestSide = 1024;

std::string size_problem(const std::string& text) {
  if (parse_size(text)) return {};
  return "expected HEIGHTxWIDTH, each from 1 to " + std::to_string(kLargestSide) + ", got \"" +
         text + "\"";
}

void add_size_option(CLI::App& command, const std::string& name, std::optional<ImageSize>& size,
                     const std::string& description) {
  command
      .add_option_function<std::string>(
          name, [&size](const std::string& text) { size = parse_size(text); }, description)
      ->check(size_problem)
      ->type_name("HxW")
      ->group(kGroup);
}

}  // namespace

void add_image_options(CLI::App& command, ImageOptions& options) {
  add_size_option(command, "--crop", options.crop, "Take the middle HxW pixels of every image");
  add_size_option(command, "--resize", options.resize,
                  "Resize every image, cropped or not, to HxW pixels, whatever its proportions");
}

void add_bits_option(CLI::App& command, ImageOptions& options) {
  command
      .add_option("--bits", options.bits,
                  "Bits of a pixel to keep, 1 to 8: the highest (default 8)")
      ->check(count_up_to(8))
      ->type_name("B")
      ->group(kGroup);
}

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
  const bool is_sane = size.height >= 1 && size.height <= kLargestSide && size.width >= 1 &&
                       size.width <= kLargestSide;
  if (!is_sane) return std::nullopt;
  return size;
}

}  // namespace iflow
