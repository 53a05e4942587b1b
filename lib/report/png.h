// Pictures as PNG.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/picture.h"
#include "report/canvas.h"

namespace iflow {

// The picture as the bytes of an 8-bit RGB PNG.
std::vector<std::byte> encode_png(const Canvas& canvas);

// The same of a picture of 1 or 3 channels, grey or RGB: decode_picture gives it back.
std::vector<std::byte> encode_png(const Picture& picture);

// Writes the picture to `path` ("-" is standard output) in one piece. Throws Error naming the path
// when it can't be written; an existing file is replaced only by a complete one.
void write_png(const std::string& path, const Canvas& canvas);

}  // namespace iflow
