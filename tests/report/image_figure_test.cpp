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
      render_image_figure({{{"", {{"data", left, 2}, {"samples", right, 1}}}}, "caption"});
  // Margin 24, gap 2, scale 16: the middles of the cells.
  CHECK(canvas.width() == 24 + 38 + 24 + 20 + 24);
  CHECK(canvas.pixel(24 + 10, 46 + 10).r == 0);
  CHECK(canvas.pixel(24 + 28, 46 + 10).g == 1);
  CHECK(canvas.pixel(86 + 10, 46 + 10).r == 1);
  CHECK(canvas.pixel(86 + 10, 46 + 10).g == 0);
  CHECK(canvas.pixel(86 + 10, 46 + 28).g == 1);
  CHECK(std::fabs(canvas.pixel(24 + 1, 46 + 1).r - 128 / 255.0) < 1e-12);
}

TEST_CASE("image figure: rows are below each other, their panels in columns") {
  const Images one{{1, 1, 1}, 8, {255}, {}}, two{{1, 1, 1}, 8, {255, 255}, {}};
  const Canvas canvas =
      render_image_figure({{{"a", {{"data", one, 1}, {"samples", two, 2, "note"}}},
                            {"b", {{"", two, 2}, {"", one, 1}}}},
                           "caption"});
  // The column is as wide as its widest panel; labels take 44, titles 46, notes 30, gaps 14.
  CHECK(canvas.width() == 24 + 44 + 38 + 24 + 38 + 24);
  CHECK(canvas.height() == 46 + 20 + 30 + 14 + 20 + 44);
  const int second = 24 + 44 + 38 + 24;
  CHECK(std::fabs(canvas.pixel(24 + 44 + 1, 46 + 1).r - 128 / 255.0) < 1e-12);
  CHECK(std::fabs(canvas.pixel(second + 1, 46 + 1).r - 128 / 255.0) < 1e-12);
  CHECK(std::fabs(canvas.pixel(second + 1, 46 + 20 + 30 + 14 + 1).r - 128 / 255.0) < 1e-12);
  // something is written beside and above the panels
  const auto is_inked = [&](int left, int right, int top, int bottom) {
    for (int x = left; x < right; ++x) {
      for (int y = top; y < bottom; ++y) {
        if (canvas.pixel(x, y).r < 0.5) return true;
      }
    }
    return false;
  };
  CHECK(is_inked(24, 24 + 44, 46, 46 + 20));
  CHECK(is_inked(second, second + 38, 0, 46));
}

}  // namespace
}  // namespace iflow
