#include "report/image_grid.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace iflow {
namespace {

constexpr std::uint8_t kGround = 128;

void draw(const Picture& image, std::size_t top, std::size_t left, std::size_t scale,
          Picture& canvas) {
  const ImageShape& shape = image.shape;
  for (std::size_t row = 0; row < shape.height * scale; ++row) {
    for (std::size_t column = 0; column < shape.width * scale; ++column) {
      const std::size_t from = (row / scale * shape.width + column / scale) * shape.channels;
      const std::size_t to = ((top + row) * canvas.shape.width + left + column) * shape.channels;
      std::copy_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(from), shape.channels,
                  canvas.pixels.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
}

}  // namespace

Picture picture_of(const Images& images, std::size_t index) {
  const auto pixels = images.image(index);
  Picture picture{images.shape, {pixels.begin(), pixels.end()}};
  for (std::uint8_t& v : picture.pixels) v = to_8_bits(v, images.bits);
  return picture;
}

GridLayout grid_layout(std::size_t count, const ImageShape& shape) {
  constexpr std::size_t kWidth = 800, kLargestScale = 16;
  GridLayout layout;
  const double square =
      std::sqrt(static_cast<double>(count * shape.height) / static_cast<double>(shape.width));
  layout.columns = std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(square)), 1, count);
  layout.scale = std::clamp<std::size_t>(kWidth / (layout.columns * shape.width), 1, kLargestScale);
  return layout;
}

Picture image_grid(const Images& images, const GridLayout& layout) {
  const ImageShape& shape = images.shape;
  const std::size_t rows = (images.count() + layout.columns - 1) / layout.columns;
  const std::size_t down = shape.height * layout.scale + layout.gap;
  const std::size_t across = shape.width * layout.scale + layout.gap;
  Picture canvas{{rows * down + layout.gap, layout.columns * across + layout.gap, shape.channels},
                 {}};
  if (canvas.shape.height * canvas.shape.width > kMaxPicturePixels) {
    throw Error("a grid of " + std::to_string(images.count()) + " images, " + describe(shape) +
                ", is too large for one picture; write a .npy or a folder/");
  }
  canvas.pixels.assign(canvas.shape.size(), kGround);
  for (std::size_t i = 0; i < images.count(); ++i) {
    draw(picture_of(images, i), i / layout.columns * down + layout.gap,
         i % layout.columns * across + layout.gap, layout.scale, canvas);
  }
  return canvas;
}

Picture image_grid(const Images& images) {
  return image_grid(images, grid_layout(images.count(), images.shape));
}

}  // namespace iflow
