// Many images in one picture.
#pragma once

#include <cstddef>

#include "data/images.h"
#include "data/picture.h"

namespace iflow {

// One image, 8 bits a channel.
Picture picture_of(const Images& images, std::size_t index);

// How a grid of images lies: `columns` next to each other, every pixel magnified to a square of
// `scale` by `scale`, and a gap around each image.
struct GridLayout {
  std::size_t columns = 1;
  std::size_t scale = 1;
  std::size_t gap = 2;
};

// About as high as wide; small images are magnified.
GridLayout grid_layout(std::size_t count, const ImageShape& shape);

// The images row by row on a grey ground, 8 bits a channel. Throws Error for a picture of more than
// kMaxPicturePixels.
Picture image_grid(const Images& images, const GridLayout& layout);
Picture image_grid(const Images& images);

}  // namespace iflow
