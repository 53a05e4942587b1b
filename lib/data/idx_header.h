// The header of an IDX file of images, as MNIST comes in. Format: yann.lecun.com/exdb/mnist
#pragma once

#include <cstdint>
#include <string_view>

#include "data/input_file.h"
#include "data/picture.h"

namespace iflow {

// What an array of images says about itself.
struct PixelArray {
  std::uint64_t count = 0;
  ImageShape shape;
  std::uint64_t data_offset = 0;  // bytes before the first pixel
};

// Whether a file begins as IDX does: two zeros, a known type, 1 to 4 dimensions.
bool begins_as_idx(std::string_view bytes);

// Reads the header, leaving `file` at the first pixel: unsigned bytes of shape N,H,W or N,H,W,C.
// Throws DataError for anything else. The sizes are checked to be sane, not to be true.
PixelArray read_idx_header(InputFile& file);

// The shape of an array of images N,H,W or N,H,W,C with C = 1 or 3. Throws DataError, beginning
// with `name`, for sizes that no images have.
PixelArray pixel_array(const std::string& name, const std::vector<std::uint64_t>& sizes);

}  // namespace iflow
