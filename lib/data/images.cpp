#include "data/images.h"

#include "base/hash.h"

namespace iflow {

std::string describe(const ImageShape& shape) {
  const std::string kind = shape.channels == 1   ? "grey"
                           : shape.channels == 3 ? "colour"
                                                 : std::to_string(shape.channels) + " channels";
  return std::to_string(shape.height) + "x" + std::to_string(shape.width) + " " + kind;
}

std::string content_hash(const Images& images) {
  const std::string text = hash_hex(std::as_bytes(std::span(images.pixels))) + ' ' +
                           describe(images.shape) + ' ' + std::to_string(images.bits);
  return hash_hex(std::as_bytes(std::span(text)));
}

}  // namespace iflow
