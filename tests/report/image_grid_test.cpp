#include "report/image_grid.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/error.h"

namespace iflow {
namespace {

TEST_CASE("image grid: every image in its place, magnified") {
  // Three images of 1 x 2, two side by side, each pixel 2 x 2, gaps of 1.
  const Images images{{1, 2, 1}, 8, {1, 2, 3, 4, 5, 6}, {}};
  const Picture grid = image_grid(images, {.columns = 2, .scale = 2, .gap = 1});
  REQUIRE(grid.shape == ImageShape{7, 11, 1});
  const std::vector<int> expected = {128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,  //
                                     128, 1,   1,   2,   2,   128, 3,   3,   4,   4,   128,  //
                                     128, 1,   1,   2,   2,   128, 3,   3,   4,   4,   128,  //
                                     128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,  //
                                     128, 5,   5,   6,   6,   128, 128, 128, 128, 128, 128,  //
                                     128, 5,   5,   6,   6,   128, 128, 128, 128, 128, 128,  //
                                     128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128};
  CHECK(std::vector<int>(grid.pixels.begin(), grid.pixels.end()) == expected);
}

TEST_CASE("image grid: colour, fewer bits, and a layout about square") {
  const Images images{{1, 1, 3}, 1, {0, 1, 1}, {}};
  CHECK(picture_of(images, 0).pixels == std::vector<std::uint8_t>{0, 255, 255});
  const Picture grid = image_grid(images);
  CHECK(grid.shape.channels == 3);
  CHECK(grid_layout(100, {8, 8, 1}).columns == 10);
  CHECK(grid_layout(100, {8, 8, 1}).scale == 10);
  CHECK(grid_layout(50, {16, 8, 1}).columns == 10);
  CHECK(grid_layout(1, {8, 8, 1}).columns == 1);
  Images many{{1, 1, 1}, 8, std::vector<std::uint8_t>(100), {}};
  CHECK_THROWS_AS(image_grid(many, {.columns = 1, .scale = 8192, .gap = 0}), Error);
}

}  // namespace
}  // namespace iflow
