#include "report/png.h"

#include <stb_image_write.h>

#include "base/atomic_file.h"
#include "base/error.h"

namespace iflow {

std::vector<std::byte> encode_png(const Canvas& canvas) {
  const auto append = [](void* context, void* data, int size) {
    auto& png = *static_cast<std::vector<std::byte>*>(context);
    const auto* bytes = static_cast<const std::byte*>(data);
    png.insert(png.end(), bytes, bytes + size);
  };
  constexpr int kChannels = 3;
  const std::vector<unsigned char> pixels = canvas.rgb_bytes();
  std::vector<std::byte> png;
  if (stbi_write_png_to_func(append, &png, canvas.width(), canvas.height(), kChannels,
                             pixels.data(), kChannels * canvas.width()) == 0) {
    throw Error("out of memory while encoding a PNG");
  }
  return png;
}

void write_png(const std::string& path, const Canvas& canvas) {
  AtomicFile file(path);
  file.write(encode_png(canvas));
  file.commit();
}

}  // namespace iflow
