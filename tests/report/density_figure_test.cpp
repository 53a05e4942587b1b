#include "report/density_figure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "report/png.h"

namespace iflow {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A spiral of points and a Gaussian bump up and to the right of the middle.
DensityFigure example() {
  DensityFigure figure;
  figure.x_name = std::string("x");
  figure.y_name = std::string("y");
  figure.window = {{-1, 1}, {-1, 1}};
  for (int i = 0; i < 200; ++i) {
    figure.data.push_back({i / 250.0 * std::cos(i / 9.0), i / 250.0 * std::sin(i / 9.0)});
  }
  figure.samples = figure.data;
  figure.density = {30, 40, {}};
  for (int row = 0; row < 30; ++row) {
    for (int col = 0; col < 40; ++col) {
      const double x = cell_centre(figure.window.x, col, 40) - 0.5;
      const double y = cell_centre(figure.window.y, row, 30) - 0.5;
      figure.density.p.push_back(std::exp(-20 * (x * x + y * y)));
    }
  }
  figure.caption = "a caption";
  return figure;
}

// As render_density_figure lays panels out, from the right edge leftwards.
constexpr int kRightMargin = 20;
constexpr int kPanelSide = 440;
constexpr int kPanelGap = 36;
constexpr int kPanelTop = 48;

struct Spot {
  double x;  // pixels from the panel's left edge
  double y;  // and from its top
};

// The centre of the pixels of a panel that are as bright as the upper fifth of the colour map,
// whose green grows with brightness.
Spot bright_spot(const Canvas& canvas, int panel_left) {
  const double bright = colormap(0.8).g;
  Spot sum = {0, 0};
  int count = 0;
  for (int y = 4; y < kPanelSide - 4; ++y) {
    for (int x = 4; x < kPanelSide - 4; ++x) {
      if (canvas.pixel(panel_left + x, kPanelTop + y).g < bright) continue;
      sum = {sum.x + x + 0.5, sum.y + y + 0.5};
      ++count;
    }
  }
  REQUIRE(count > 0);
  return {sum.x / count, sum.y / count};
}

TEST_CASE("the same figure gives the same bytes") {
  CHECK(encode_png(render_density_figure(example())) ==
        encode_png(render_density_figure(example())));
}

TEST_CASE("three panels, two without data, one without samples too") {
  DensityFigure figure = example();
  const int three = render_density_figure(figure).width();
  figure.data.clear();
  const int two = render_density_figure(figure).width();
  figure.samples.clear();
  const int one = render_density_figure(figure).width();
  CHECK(three > 1400);
  CHECK(three < 1600);
  CHECK(three - two == two - one);
  CHECK(two - one > 400);
}

TEST_CASE("x grows to the right and y upwards, in the density and in the points alike") {
  DensityFigure figure = example();
  figure.data.clear();
  figure.samples = {{0.5, 0.5}};
  const Canvas canvas = render_density_figure(figure);
  const int samples_left = canvas.width() - kRightMargin - kPanelSide;
  const int density_left = samples_left - kPanelGap - kPanelSide;

  // (0.5, 0.5) in a window from -1 to 1.
  const Spot point = bright_spot(canvas, samples_left);
  CHECK(std::abs(point.x - 0.75 * kPanelSide) < 0.6);
  CHECK(std::abs(point.y - 0.25 * kPanelSide) < 0.6);
  const Spot ridge = bright_spot(canvas, density_left);
  CHECK(std::abs(ridge.x - 0.75 * kPanelSide) < 1.5);
  CHECK(std::abs(ridge.y - 0.25 * kPanelSide) < 1.5);
}

TEST_CASE("points out of the window leave the figure as it is") {
  DensityFigure figure = example();
  figure.samples = {{0.1, 0.1}};
  const auto without = render_density_figure(figure).rgb_bytes();
  figure.samples.push_back({50, 0.1});
  figure.samples.push_back({0.1, -1e300});
  CHECK(render_density_figure(figure).rgb_bytes() == without);
}

TEST_CASE(
    "only points out of the window, extreme titles and a flat density are drawn all the same") {
  DensityFigure figure = example();
  figure.data = {{9, 9}};
  figure.density.p.assign(figure.density.p.size(), 0);
  figure.x_name = std::string(300, 'w');
  figure.y_name = "\xFF\n温度";
  figure.data_title = "";
  figure.caption = std::string(1000, 'M');
  CHECK_NOTHROW(render_density_figure(figure));
  figure.density = {1, 1, {std::numeric_limits<double>::max()}};
  CHECK_NOTHROW(render_density_figure(figure));
}

TEST_CASE("a spike doesn't darken the rest") {
  DensityFigure figure = example();
  figure.data.clear();
  figure.samples.clear();
  figure.density = {50, 50, std::vector<double>(2500, 1.0)};
  figure.density.p[1275] = 40;  // 1.6 % of the mass, within the 2 % that may saturate
  const Canvas canvas = render_density_figure(figure);
  const Rgb far_from_spike = canvas.pixel(canvas.width() - kRightMargin - kPanelSide + 40, 450);
  const Rgb full = colormap(1);
  CHECK(far_from_spike.r == doctest::Approx(full.r));
  CHECK(far_from_spike.b == doctest::Approx(full.b));
}

TEST_CASE("numbers that can't be drawn are refused and named") {
  const auto with_density = [](double value) {
    DensityFigure figure = example();
    figure.density.p[41] = value;
    return figure;
  };
  CHECK_THROWS_WITH_AS(
      render_density_figure(with_density(std::nan(""))),
      "density: the value in row 2, column 2 of the grid is negative or not finite", NumericError);
  CHECK_THROWS_AS(render_density_figure(with_density(kInfinity)), NumericError);
  CHECK_THROWS_AS(render_density_figure(with_density(-1e-3)), NumericError);

  DensityFigure figure = example();
  figure.density.p.pop_back();
  CHECK_THROWS_WITH_AS(render_density_figure(figure), "density: 1199 values are no grid of 30 x 40",
                       NumericError);
  figure.density = {0, 0, {}};
  CHECK_THROWS_AS(render_density_figure(figure), NumericError);

  figure = example();
  figure.samples[2].y = kInfinity;
  CHECK_THROWS_WITH_AS(render_density_figure(figure), "samples: point 3 is not finite",
                       NumericError);
  figure = example();
  figure.window.x = {1, 1};
  CHECK_THROWS_AS(render_density_figure(figure), NumericError);
  figure.window.x = {0, kInfinity};
  CHECK_THROWS_AS(render_density_figure(figure), NumericError);
}

TEST_CASE("the window holds most points, at equal scales where the spans allow it") {
  std::vector<DataPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back({i / 1000.0, 3 + i % 10 / 20.0});
  points.push_back({1e6, -1e6});
  const Window w = window_around(points);
  CHECK(w.x.span() == doctest::Approx(w.y.span()));
  CHECK(w.x.span() < 1.3);
  CHECK(w.x.min < 0.005);
  CHECK(w.x.max > 0.995);
  CHECK(w.y.min < 3);
  CHECK(w.y.max > 3.45);

  for (DataPoint& p : points) p.y *= 1000;
  const Window unequal = window_around(points);
  CHECK(unequal.x.span() < 1.3);
  CHECK(unequal.y.span() > 400);
}

TEST_CASE("a window for one point, and for none") {
  const Window one = window_around(std::vector<DataPoint>{{4, -2}});
  CHECK(one.x.min == 3.5);
  CHECK(one.y.max == -1.5);
  CHECK(window_around({}).x.span() == 1);
  CHECK_THROWS_AS(window_around(std::vector<DataPoint>{{0, kInfinity}}), NumericError);
}

TEST_CASE("cell centres divide the range evenly") {
  CHECK(cell_centre({-1, 1}, 0, 4) == -0.75);
  CHECK(cell_centre({-1, 1}, 3, 4) == 0.75);
  CHECK(cell_centre({2, 5}, 0, 1) == 3.5);
}

}  // namespace
}  // namespace iflow
