// Options for reading images.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace iflow {

struct ImageSize {
  std::size_t height = 0;
  std::size_t width = 0;
  bool operator==(const ImageSize&) const = default;
};

// The crop comes first, then the resizing.
struct ImageOptions {
  int bits = 8;                          // 1 to 8: of the pixels' 8 bits, the highest are kept
  std::optional<ImageSize> crop = {};    // to the middle
  std::optional<ImageSize> resize = {};  // to exactly this size, whatever the proportions
};

// The longest side that an image may be cropped or resized to.
inline constexpr std::size_t kLargestImageSide = 1024;

// "28x20", height first; "" for no size.
std::string size_text(const std::optional<ImageSize>& size);
// The size that such a text states; none where it states no size.
std::optional<ImageSize> parse_size(const std::string& text);

}  // namespace iflow
