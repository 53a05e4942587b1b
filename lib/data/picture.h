// One picture, as PNG and JPEG files hold it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/images.h"

namespace iflow {

// Larger pictures are refused, by their headers: width times height.
inline constexpr std::uint64_t kMaxPicturePixels = std::uint64_t{1} << 26;

struct Picture {
  ImageShape shape;
  std::vector<std::uint8_t> pixels;  // [height][width][channels]
};

// Whether a file begins as a PNG or a JPEG does.
bool begins_as_picture(std::string_view bytes);

// Decodes the bytes of a PNG or JPEG file, 8 bits a channel, grey or colour. An alpha
// channel is accepted where every pixel is opaque. Throws DataError beginning with `name` for a
// file that is no picture, damaged, cut short, or larger than kMaxPicturePixels; nothing is
// allocated before its header has been checked.
Picture decode_picture(const std::string& name, std::string_view bytes);

// Throws DataError unless height times width is from 1 to kMaxPicturePixels.
void check_picture_size(const std::string& name, std::uint64_t height, std::uint64_t width);

}  // namespace iflow
