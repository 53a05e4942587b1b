#include "report/image_figure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace iflow {
namespace {

TEST_CASE("image figure: the panels' pixels are where the grids say") {
  // Two panels of two images, 1 x 1, at the largest scale.
  const Images left{{1, 1, 1}, 8, {0, 255}, {}}, right{{1, 1, 3}, 8, {255, 0, 0, 0, 255, 0}, {}};
  const Canvas canvas =
      render_image_figure({{{"data", left, 2}, {"samples", right, 1}}, "caption"});
  // Margin 24, gap 2, scale 16: the middles of the cells.
  CHECK(canvas.width() == 24 + 38 + 24 + 20 + 24);
  CHECK(canvas.pixel(24 + 10, 46 + 10).r == 0);
  CHECK(canvas.pixel(24 + 28, 46 + 10).g == 1);
  CHECK(canvas.pixel(86 + 10, 46 + 10).r == 1);
  CHECK(canvas.pixel(86 + 10, 46 + 10).g == 0);
  CHECK(canvas.pixel(86 + 10, 46 + 28).g == 1);
  CHECK(std::fabs(canvas.pixel(24 + 1, 46 + 1).r - 128 / 255.0) < 1e-12);
}

}  // namespace
}  // namespace iflow
