#include "report/comparison_figure.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "report/png.h"

namespace iflow {
namespace {

constexpr int kSide = 50;
// As render_comparison_figure lays panels out.
constexpr int kLeft = 60, kTop = 62, kGap = 12;

const Window kWindow = {{0, 1}, {0, 1}};

// Two columns, data above densities of 1 and of `p`.
ComparisonFigure example(double p) {
  ComparisonFigure figure;
  figure.panel_side = kSide;
  figure.columns = {{"first", kWindow}, {"second", kWindow}};
  figure.rows.push_back({"data", {{std::vector<DataPoint>{{0.5, 0.5}}}, {DensityGrid{1, 1, {4}}}}});
  figure.rows.push_back({"a", {{DensityGrid{1, 1, {1}}}, {DensityGrid{1, 1, {p}}}}});
  return figure;
}

Rgb middle_of(const Canvas& canvas, int row, int column) {
  return canvas.pixel(kLeft + column * (kSide + kGap) + kSide / 2,
                      kTop + row * (kSide + kGap) + kSide / 2);
}

bool is_colour(Rgb pixel, double t) {
  const Rgb colour = colormap(t);
  return pixel.r == doctest::Approx(colour.r) && pixel.g == doctest::Approx(colour.g);
}

TEST_CASE("comparison figure: densities of a column share a scale, columns have their own") {
  const Canvas canvas = render_comparison_figure(example(1));
  CHECK(is_colour(middle_of(canvas, 1, 0), 1));        // the densest of its column
  CHECK(is_colour(middle_of(canvas, 0, 1), 1));        // 4
  CHECK(is_colour(middle_of(canvas, 1, 1), 0.5));      // 1, the root of a quarter as bright
  CHECK(middle_of(canvas, 0, 0).g > colormap(0.2).g);  // the point
  CHECK(is_colour(canvas.pixel(kLeft + 2, kTop + 2), 0));
}

TEST_CASE("comparison figure: a note makes its row higher, and no other; the same bytes again") {
  ComparisonFigure figure = example(2);
  const int plain = render_comparison_figure(figure).height();
  figure.rows[1].panels[0].note = "2.41";
  const int noted = render_comparison_figure(figure).height();
  CHECK(noted == plain + 30);
  figure.rows[1].panels[1].note = std::string(300, 'M');
  figure.columns[0].title = figure.rows[0].label = std::string(300, 'w');
  CHECK(render_comparison_figure(figure).height() == noted);
  CHECK(encode_png(render_comparison_figure(figure)) ==
        encode_png(render_comparison_figure(figure)));
}

TEST_CASE("comparison figure: what can't be drawn is refused") {
  ComparisonFigure figure = example(1);
  figure.rows[1].panels.pop_back();
  CHECK_THROWS_WITH_AS(render_comparison_figure(figure),
                       "comparison: row \"a\" has 1 panels, expected 2", Error);
  CHECK_THROWS_AS(render_comparison_figure({}), Error);
  CHECK_THROWS_AS(render_comparison_figure(example(-1)), NumericError);
  figure = example(1);
  figure.rows[0].panels[0].content =
      std::vector<DataPoint>{{0, std::numeric_limits<double>::infinity()}};
  CHECK_THROWS_WITH_AS(render_comparison_figure(figure), "data: point 1 is not finite",
                       NumericError);
  figure = example(1);
  figure.panel_side = 1 << 30;
  CHECK_THROWS_AS(render_comparison_figure(figure), Error);
}

}  // namespace
}  // namespace iflow
