// A file format's side of reading images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "data/picture.h"

namespace iflow {

// Pictures one after the other, as the files hold them.
class ImageSource {
 public:
  ImageSource() = default;
  virtual ~ImageSource() = default;
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;

  // The number of pictures: of the header, or of the files found.
  virtual std::uint64_t count() const = 0;
  // Whether every picture has a name of its own.
  virtual bool has_names() const = 0;
  // The next picture; none at the end. Throws DataError naming what it cannot read.
  virtual std::optional<Picture> next() = 0;
  // The name of the last picture, for messages: a path, or "FILE: image 3".
  virtual std::string place() const = 0;
  // The same as a name for output files: the path within the folder, or the number.
  virtual std::string name() const = 0;
};

}  // namespace iflow
