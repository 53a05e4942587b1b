// Images on their way out, in the form that the path asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/images.h"

namespace iflow {

// Says what -o takes where a model of images writes images.
inline constexpr const char* kImageOutputHelp =
    ". Images: to a .png (a grid, where there are several), a .npy, or a folder/ of PNGs; - is "
    ".npy "
    "on stdout";

class ImageOutput {
 public:
  ImageOutput() = default;
  virtual ~ImageOutput() = default;
  ImageOutput(const ImageOutput&) = delete;
  ImageOutput& operator=(const ImageOutput&) = delete;

  // The next images. In a folder they are called as `images.names` says, else by their numbers.
  virtual void add(const Images& images) = 0;
  // Completes the output. Nothing may be added after.
  virtual void finish() = 0;
};

// Opens `path`. Throws UsageError for a path that is none of these, Error for one that can't be
// written.
std::unique_ptr<ImageOutput> open_image_output(const std::string& path);

}  // namespace iflow
