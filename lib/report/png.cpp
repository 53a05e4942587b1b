#include "report/png.h"

#include <stb_image_write.h>

#include "base/atomic_file.h"
#include "base/error.h"

namespace iflow {

namespace {

// pixels: [height][width][channels], 8 bits each.
std::vector<std::byte> encode(int height, int width, int channels, const std::uint8_t* pixels) {
  const auto append = [](void* context, void* data, int size) {
    auto& png = *static_cast<std::vector<std::byte>*>(context);
    const auto* bytes = static_cast<const std::byte*>(data);
    png.insert(png.end(), bytes, bytes + size);
  };
  std::vector<std::byte> png;
  if (stbi_write_png_to_func(append, &png, width, height, channels, pixels, channels * width) ==
      0) {
    throw Error("out of memory while encoding a PNG");
  }
  return png;
}

}  // namespace

std::vector<std::byte> encode_png(const Canvas& canvas) {
  return encode(canvas.height(), canvas.width(), 3, canvas.rgb_bytes().data());
}

std::vector<std::byte> encode_png(const Picture& picture) {
  const ImageShape& shape = picture.shape;
  return encode(static_cast<int>(shape.height), static_cast<int>(shape.width),
                static_cast<int>(shape.channels), picture.pixels.data());
}

void write_png(const std::string& path, const Canvas& canvas) {
  AtomicFile file(path);
  file.write(encode_png(canvas));
  file.commit();
}

}  // namespace iflow
