#include "data/idx_header.h"

#include <array>
#include <limits>

#include "base/error.h"

namespace iflow {
namespace {

constexpr char kUnsignedByte = 0x08;

}  // namespace

bool begins_as_idx(std::string_view bytes) {
  constexpr std::string_view kTypes = "\x08\x09\x0B\x0C\x0D\x0E";
  return bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 &&
         kTypes.find(bytes[2]) != std::string_view::npos && bytes[3] >= 1 && bytes[3] <= 4;
}

PixelArray pixel_array(const std::string& name, const std::vector<std::uint64_t>& sizes) {
  const auto fail = [&](const std::string& reason) { throw DataError(name + ": " + reason); };
  if (sizes.size() < 3 || sizes.size() > 4) {
    fail("an array of " + std::to_string(sizes.size()) +
         " dimensions; images have N,H,W or N,H,W,C");
  }
  const std::uint64_t channels = sizes.size() == 4 ? sizes[3] : 1;
  if (channels != 1 && channels != 3) {
    fail("images of " + std::to_string(channels) + " channels; expected 1 (grey) or 3 (colour)");
  }
  if (sizes[0] == 0) fail("no images: the array is empty");
  check_picture_size(name, sizes[1], sizes[2]);
  const ImageShape shape{sizes[1], sizes[2], channels};
  if (sizes[0] > std::numeric_limits<std::uint64_t>::max() / 2 / shape.size()) {
    fail(std::to_string(sizes[0]) + " images are too many");
  }
  return {sizes[0], shape, 0};
}

PixelArray read_idx_header(InputFile& file) {
  const auto fail = [&](const std::string& reason) {
    throw DataError(file.name() + ": " + reason);
  };
  std::array<char, 4> start{};
  if (file.read_fully(start) < start.size()) fail("the IDX header is cut short");
  if (!begins_as_idx({start.data(), start.size()})) fail("not IDX by its first bytes");
  if (start[2] != kUnsignedByte) fail("IDX of another type than unsigned bytes");
  std::vector<std::uint64_t> sizes;
  for (int i = 0; i < start[3]; ++i) {
    std::array<char, 4> bytes{};
    if (file.read_fully(bytes) < bytes.size()) fail("the IDX header is cut short");
    std::uint64_t size = 0;
    for (const char c : bytes) size = size << 8U | static_cast<unsigned char>(c);
    sizes.push_back(size);
  }
  if (sizes.size() == 1) fail("IDX of one dimension: labels, not images");
  PixelArray array = pixel_array(file.name(), sizes);
  array.data_offset = start.size() + 4 * sizes.size();
  return array;
}

}  // namespace iflow
