#include "data/image_resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace iflow {
namespace {

// What an old row or column contributes to a new one.
struct Share {
  std::size_t from;
  double weight;  // they sum to 1
};

// The old pixels that every new one covers, when `from` of them become `to`.
std::vector<std::vector<Share>> shares_of(std::size_t from, std::size_t to) {
  std::vector<std::vector<Share>> shares(to);
  const double ratio = static_cast<double>(from) / static_cast<double>(to);
  for (std::size_t i = 0; i < to; ++i) {
    const double begin = static_cast<double>(i) * ratio;
    const double end = i + 1 == to ? static_cast<double>(from) : begin + ratio;
    for (auto j = static_cast<std::size_t>(begin); j < from && static_cast<double>(j) < end; ++j) {
      const double low = std::max(begin, static_cast<double>(j));
      const double high = std::min(end, static_cast<double>(j + 1));
      if (high > low) shares[i].push_back({j, (high - low) / (end - begin)});
    }
  }
  return shares;
}

}  // namespace

Picture cropped(const std::string& name, const Picture& picture, const ImageSize& size) {
  const ImageShape& old = picture.shape;
  if (size.height > old.height || size.width > old.width) {
    throw DataError(name + ": " + describe(old) + ", smaller than --crop " +
                    std::to_string(size.height) + "x" + std::to_string(size.width));
  }
  Picture result{{size.height, size.width, old.channels}, {}};
  const std::size_t top = (old.height - size.height) / 2, left = (old.width - size.width) / 2;
  for (std::size_t row = 0; row < size.height; ++row) {
    const auto begin = picture.pixels.begin() +
                       static_cast<std::ptrdiff_t>(((top + row) * old.width + left) * old.channels);
    result.pixels.insert(result.pixels.end(), begin,
                         begin + static_cast<std::ptrdiff_t>(size.width * old.channels));
  }
  return result;
}

Picture resized(const Picture& picture, const ImageSize& size) {
  const ImageShape& old = picture.shape;
  const auto rows = shares_of(old.height, size.height), columns = shares_of(old.width, size.width);
  Picture result{{size.height, size.width, old.channels}, {}};
  result.pixels.reserve(result.shape.size());
  for (const auto& row : rows) {
    for (const auto& column : columns) {
      for (std::size_t c = 0; c < old.channels; ++c) {
        double mean = 0;
        for (const Share& y : row) {
          for (const Share& x : column) {
            mean += y.weight * x.weight *
                    picture.pixels[(y.from * old.width + x.from) * old.channels + c];
          }
        }
        result.pixels.push_back(static_cast<std::uint8_t>(std::clamp(mean + 0.5, 0.0, 255.0)));
      }
    }
  }
  return result;
}

Picture adapted(const std::string& name, Picture picture, const ImageOptions& options) {
  if (options.crop) picture = cropped(name, picture, *options.crop);
  if (options.resize) picture = resized(picture, *options.resize);
  for (std::uint8_t& v : picture.pixels) v = from_8_bits(v, options.bits);
  return picture;
}

}  // namespace iflow
