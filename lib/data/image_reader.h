// Images from files and streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "data/image_options.h"
#include "data/image_source.h"
#include "data/images.h"

namespace iflow {

// Whether `path` is a folder, or a file of images by its name or its first bytes. False for
// streams, such as "-", which can be read only once.
bool holds_images(const std::string& path);

// Reads images in pieces; memory does not grow with their number. Input: IDX or .npy of unsigned
// bytes, N,H,W or N,H,W,C, each also compressed with gzip; one PNG or JPEG; or a folder of those.
//
// Throws DataError, naming the file and the image, for what it cannot read or use.
class ImageReader {
 public:
  // "-" is standard input. Reads the first image, which sets the shape that all others must have.
  explicit ImageReader(const std::string& path, const ImageOptions& options = {});

  const ImageShape& shape() const { return shape_; }
  // How many images there are.
  std::uint64_t count() const { return source_->count(); }
  // How many have been read.
  std::uint64_t position() const { return position_; }

  // Replaces `images` by the next ones, at most `most` (> 0); false, with none, at the end.
  bool next(std::size_t most, Images& images);

 private:
  std::optional<Picture> read_one();

  ImageOptions options_;
  std::unique_ptr<ImageSource> source_;
  std::optional<Picture> ahead_;
  ImageShape shape_;
  std::string first_place_;
  std::uint64_t position_ = 0;
};

// All of them.
Images read_images(const std::string& path, const ImageOptions& options = {});

}  // namespace iflow
