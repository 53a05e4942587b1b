// Images and their files, for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/rng.h"
#include "data/picture.h"
#include "report/png.h"

namespace iflow::test {

// Pixels of every value, keyed by `seed`.
inline Picture random_picture(const ImageShape& shape, std::uint64_t seed) {
  Rng rng(seed, RngPurpose::kTest, 77);
  Picture picture{shape, std::vector<std::uint8_t>(shape.size())};
  for (std::uint8_t& v : picture.pixels) v = static_cast<std::uint8_t>(rng.below(256));
  return picture;
}

inline std::string bytes_of(const std::vector<std::uint8_t>& pixels) {
  return {pixels.begin(), pixels.end()};
}

inline std::string png_of(const Picture& picture) {
  const std::vector<std::byte> bytes = encode_png(picture);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// An IDX file of unsigned bytes around some data.
inline std::string idx_of(std::initializer_list<std::uint32_t> sizes, const std::string& data) {
  std::string bytes("\0\0\x08", 3);
  bytes += static_cast<char>(sizes.size());
  for (const std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xFFU);
  }
  return bytes + data;
}

}  // namespace iflow::test
