// What a person can say about reading images.
#pragma once

#include <cstddef>
#include <optional>

namespace iflow {

struct ImageSize {
  std::size_t height = 0;
  std::size_t width = 0;
  bool operator==(const ImageSize&) const = default;
};

// First the crop, then the resizing.
struct ImageOptions {
  int bits = 8;                          // 1 to 8: of the pixels' 8 bits, the highest are kept
  std::optional<ImageSize> crop = {};    // to the middle
  std::optional<ImageSize> resize = {};  // to exactly this size, whatever the proportions
};

}  // namespace iflow
