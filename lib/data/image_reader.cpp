#include "data/image_reader.h"

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "data/idx_header.h"
#include "data/image_resize.h"
#include "data/input_file.h"
#include "data/npy_header.h"
#include "data/picture_source.h"
#include "data/pixel_array_source.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;

// train-images-idx3-ubyte.gz, x.idx
bool is_named_idx(std::string path) {
  if (path.ends_with(".gz")) path.resize(path.size() - 3);
  return path.ends_with(".idx") || path.ends_with("-idx3-ubyte") || path.ends_with("-idx4-ubyte");
}

// Whether a .npy file has more dimensions than a table.
bool is_deep_npy(InputFile& file) {
  try {
    return read_npy_header(file).shape.size() > 2;
  } catch (const DataError&) {
    return false;
  }
}

std::unique_ptr<ImageSource> open_source(const std::string& path) {
  std::error_code error;
  if (path != "-" && fs::is_directory(path, error)) return std::make_unique<FolderSource>(path);
  InputFile file(path);
  const std::string start(file.peek(kNpyMagic.size()));
  if (start.empty()) throw DataError(file.name() + ": the file is empty");
  if (begins_as_picture(file.peek(8))) return std::make_unique<PictureSource>(std::move(file));
  if (start == kNpyMagic || begins_as_idx(start)) {
    return std::make_unique<PixelArraySource>(std::move(file));
  }
  throw DataError(file.name() + ": no images: neither PNG, JPEG, IDX nor .npy by its first bytes");
}

}  // namespace

bool holds_images(const std::string& path) {
  std::error_code error;
  if (path == "-") return false;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return true;
  if (is_named_picture(path) || is_named_idx(path)) return true;
  if (!fs::is_regular_file(status)) return false;
  InputFile file(path);
  const std::string start(file.peek(8));
  return begins_as_picture(start) || begins_as_idx(start) ||
         (start.starts_with(kNpyMagic) && is_deep_npy(file));
}

ImageReader::ImageReader(const std::string& path, const ImageOptions& options)
    : options_(options),
      source_(open_source(path)),
      ahead_(read_one()),
      shape_(ahead_->shape),
      first_place_(source_->place()) {}

std::optional<Picture> ImageReader::read_one() {
  std::optional<Picture> picture = source_->next();
  if (!picture) return picture;
  return adapted(source_->place(), std::move(*picture), options_);
}

bool ImageReader::next(std::size_t most, Images& images) {
  images = {shape_, options_.bits, {}, {}};
  for (std::size_t i = 0; i < most && ahead_; ++i) {
    if (ahead_->shape != shape_) {
      throw DataError(source_->place() + ": " + describe(ahead_->shape) + ", but " + first_place_ +
                      " is " + describe(shape_) +
                      "; images must be of one size (--resize, --crop)");
    }
    images.pixels.insert(images.pixels.end(), ahead_->pixels.begin(), ahead_->pixels.end());
    if (source_->has_names()) images.names.push_back(source_->name());
    ++position_;
    ahead_ = read_one();
  }
  return images.count() > 0;
}

Images read_images(const std::string& path, const ImageOptions& options) {
  constexpr std::size_t kPiece = 1024;
  ImageReader reader(path, options);
  Images all{reader.shape(), options.bits, {}, {}}, piece;
  while (reader.next(kPiece, piece)) {
    all.pixels.insert(all.pixels.end(), piece.pixels.begin(), piece.pixels.end());
    all.names.insert(all.names.end(), piece.names.begin(), piece.names.end());
  }
  return all;
}

}  // namespace iflow
