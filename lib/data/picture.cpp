#include "data/picture.h"

#include <stb_image.h>
#include <zlib.h>

#include <cstring>
#include <memory>

#include "base/error.h"

namespace iflow {
namespace {

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegSignature = "\xFF\xD8\xFF";

[[noreturn]] void fail(const std::string& name, const std::string& reason) {
  throw DataError(name + ": " + reason);
}

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

// The decoder does not verify a PNG's chunks. Each of them is checked here, up to the last, IEND.
// Format: www.w3.org/TR/png
void check_png(const std::string& name, std::string_view bytes) {
  constexpr std::size_t kFrame = 12;  // length, type and checksum around a chunk's data
  std::string_view rest = bytes.substr(kPngSignature.size());
  while (true) {
    if (rest.size() < kFrame) fail(name, "the PNG is cut short");
    const std::size_t length = big_endian(rest);
    const std::string_view type = rest.substr(4, 4);
    if (length > rest.size() - kFrame) fail(name, "the PNG is cut short");
    const auto* data = reinterpret_cast<const Bytef*>(rest.data()) + 4;
    const uLong checksum = ::crc32_z(::crc32_z(0, nullptr, 0), data, 4 + length);
    if (checksum != big_endian(rest.substr(8 + length))) {
      fail(name, "the PNG is damaged: a checksum doesn't match");
    }
    if (type == "IEND") return;
    rest.remove_prefix(kFrame + length);
  }
}

// The decoder fills in what a truncated JPEG lacks, without an error. The pixels begin behind the
// marker FF DA and end with FF D9, which does not occur in them.
void check_jpeg(const std::string& name, std::string_view bytes) {
  const std::size_t scan = bytes.find("\xFF\xDA");
  if (scan == std::string_view::npos || bytes.find("\xFF\xD9", scan) == std::string_view::npos) {
    fail(name, "the JPEG is cut short");
  }
}

// (n, 2 or 4) -> (n, 1 or 3) where the last channel is 255 throughout.
void drop_opacity(const std::string& name, Picture& picture) {
  const std::size_t from = picture.shape.channels, to = from - 1;
  std::vector<std::uint8_t>& pixels = picture.pixels;
  for (std::size_t i = 0; i < pixels.size() / from; ++i) {
    if (pixels[i * from + to] != 255) fail(name, "has transparent pixels; expected opaque ones");
    for (std::size_t c = 0; c < to; ++c) pixels[i * to + c] = pixels[i * from + c];
  }
  pixels.resize(pixels.size() / from * to);
  picture.shape.channels = to;
}

std::string undecodable(const char* what) {
  const char* reason = stbi_failure_reason();
  return std::string("cannot read the ") + what + (reason == nullptr ? "" : ": ") +
         (reason == nullptr ? "" : reason);
}

}  // namespace

bool begins_as_picture(std::string_view bytes) {
  return bytes.starts_with(kPngSignature) || bytes.starts_with(kJpegSignature);
}

void check_picture_size(const std::string& name, std::uint64_t height, std::uint64_t width) {
  if (height == 0 || width == 0) fail(name, "an image without pixels");
  if (width > kMaxPicturePixels / height) {
    fail(name, std::to_string(height) + " x " + std::to_string(width) +
                   " pixels are too many; at most " + std::to_string(kMaxPicturePixels) +
                   " in all");
  }
}

Picture decode_picture(const std::string& name, std::string_view bytes) {
  if (bytes.empty()) fail(name, "the file is empty");
  if (!begins_as_picture(bytes)) fail(name, "neither a PNG nor a JPEG by its first bytes");
  const bool is_png = bytes.starts_with(kPngSignature);
  const char* format = is_png ? "PNG" : "JPEG";
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const auto length = static_cast<int>(bytes.size());
  if (is_png) check_png(name, bytes);
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(data, length, &width, &height, &channels) == 0) {
    fail(name, undecodable(format));
  }
  check_picture_size(name, static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width));
  if (!is_png) check_jpeg(name, bytes);
  if (stbi_is_16_bit_from_memory(data, length) != 0) fail(name, "16 bits a channel; expected 8");
  const std::unique_ptr<stbi_uc, void (*)(void*)> decoded(
      stbi_load_from_memory(data, length, &width, &height, &channels, 0), stbi_image_free);
  if (decoded == nullptr) fail(name, undecodable(format));
  Picture picture{{static_cast<std::size_t>(height), static_cast<std::size_t>(width),
                   static_cast<std::size_t>(channels)},
                  {}};
  picture.pixels.assign(decoded.get(), decoded.get() + picture.shape.size());
  if (channels % 2 == 0) drop_opacity(name, picture);
  return picture;
}

}  // namespace iflow
