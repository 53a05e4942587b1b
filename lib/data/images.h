// Images of one size in memory, a byte a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace iflow {

struct ImageShape {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 0;  // 1 grey, 3 red, green and blue

  std::size_t pixels() const { return height * width; }
  // How many numbers an image is.
  std::size_t size() const { return height * width * channels; }
  bool operator==(const ImageShape&) const = default;
};

// "28x28 grey", "32x32 colour": height first.
std::string describe(const ImageShape& shape);

struct Images {
  ImageShape shape;
  int bits = 8;                      // a number is from 0 to 2^bits - 1
  std::vector<std::uint8_t> pixels;  // [n][height][width][channels]
  std::vector<std::string> names;    // [n], of files by their paths in a folder; else empty

  std::size_t count() const { return shape.size() == 0 ? 0 : pixels.size() / shape.size(); }
  std::span<const std::uint8_t> image(std::size_t index) const {
    return std::span(pixels).subspan(index * shape.size(), shape.size());
  }
};

// Identifies the images a model was fitted on: 32 hexadecimal digits that depend on their shape,
// order and every pixel, not on how files held them.
std::string content_hash(const Images& images);

// Files hold 8 bits a number. to_8_bits spreads numbers of `bits` bits over the whole range from 0
// to 255, from_8_bits keeps the highest bits: from_8_bits(to_8_bits(v)) = v.
inline std::uint8_t from_8_bits(std::uint8_t value, int bits) {
  return static_cast<std::uint8_t>(value >> (8 - bits));
}
inline std::uint8_t to_8_bits(std::uint8_t value, int bits) {
  return static_cast<std::uint8_t>(value * 255 / ((1 << bits) - 1));
}

}  // namespace iflow
