#include "data/pixel_array_source.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/npy_header.h"

namespace iflow {
namespace {

PixelArray read_npy_array(InputFile& file) {
  const NpyHeader header = read_npy_header(file);
  PixelArray array = pixel_array(file.name(), header.shape);
  if (header.type.kind != 'u' || header.type.bytes != 1) {
    throw DataError(file.name() +
                    ": images are arrays of unsigned bytes, u1; try .astype('uint8')");
  }
  if (header.fortran_order) {
    throw DataError(file.name() +
                    ": images in Fortran order; save them with numpy.ascontiguousarray");
  }
  array.data_offset = header.data_offset;
  return array;
}

PixelArray read_header(InputFile& file) {
  if (file.peek(kNpyMagic.size()) == kNpyMagic) return read_npy_array(file);
  return read_idx_header(file);
}

}  // namespace

PixelArraySource::PixelArraySource(InputFile file)
    : file_(std::move(file)), array_(read_header(file_)) {
  check_size();
}

void PixelArraySource::check_size() const {
  if (!file_.size()) return;
  const std::uint64_t found = *file_.size() - std::min(*file_.size(), array_.data_offset);
  if (found != array_.count * array_.shape.size()) {
    fail_size(std::to_string(found) + " bytes follow");
  }
}

std::optional<Picture> PixelArraySource::next() {
  constexpr std::size_t kStepBytes = std::size_t{1} << 20;
  if (read_ == array_.count) {
    if (!file_.peek(1).empty()) fail_size("more bytes follow");
    return std::nullopt;
  }
  // In steps: a stream's header may promise what never comes.
  Picture picture{array_.shape, {}};
  while (picture.pixels.size() < picture.shape.size()) {
    const std::size_t had = picture.pixels.size();
    picture.pixels.resize(std::min(had + kStepBytes, picture.shape.size()));
    const auto rest = std::span(picture.pixels).subspan(had);
    const std::size_t got = file_.read_fully({reinterpret_cast<char*>(rest.data()), rest.size()});
    if (got < rest.size()) fail_size("the file ends in image " + std::to_string(read_ + 1));
  }
  ++read_;
  return picture;
}

std::string PixelArraySource::place() const {
  return file_.name() + ": image " + std::to_string(read_);
}

void PixelArraySource::fail_size(const std::string& found) const {
  throw DataError(file_.name() + ": the header promises " + std::to_string(array_.count) +
                  " images, " + describe(array_.shape) + ", of " +
                  std::to_string(array_.shape.size()) + " bytes each, but " + found);
}

}  // namespace iflow
