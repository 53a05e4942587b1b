#include "report/curve_figure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "report/png.h"

namespace iflow {
namespace {

CurveFigure example() {
  CurveFigure figure;
  figure.title = "a run";
  for (int i = 1; i <= 300; ++i) {
    figure.training.push_back({double(i), 2 + 3 * std::exp(-i / 30.0) + 0.1 * std::sin(i)});
    if (i % 25 == 0) figure.validation.push_back({double(i), 2.05 + 3 * std::exp(-i / 30.0)});
  }
  figure.best = figure.validation.back();
  figure.floor = CurveFloor{1.9, "entropy"};
  return figure;
}

bool close(Rgb p, Rgb q) {
  return std::abs(p.r - q.r) + std::abs(p.g - q.g) + std::abs(p.b - q.b) < 0.02;
}

int count_colour(const Canvas& canvas, Rgb colour) {
  int count = 0;
  for (int row = 0; row < canvas.height(); ++row) {
    for (int column = 0; column < canvas.width(); ++column) {
      count += close(canvas.pixel(column, row), colour);
    }
  }
  return count;
}

constexpr Rgb kValidationColour = {0.80, 0.27, 0.16};

TEST_CASE("the same curve gives the same bytes, in a picture of 1200 x 640") {
  const Canvas canvas = render_curve_figure(example());
  CHECK(canvas.width() == 1200);
  CHECK(canvas.height() == 640);
  CHECK(encode_png(canvas) == encode_png(render_curve_figure(example())));
}

TEST_CASE("every part leaves its mark") {
  const auto whole = render_curve_figure(example()).rgb_bytes();
  const auto differs = [&](const CurveFigure& figure) {
    return render_curve_figure(figure).rgb_bytes() != whole;
  };
  CurveFigure figure = example();
  figure.best.reset();
  CHECK(differs(figure));
  figure = example();
  figure.floor.reset();
  CHECK(differs(figure));
  figure = example();
  figure.training.clear();
  CHECK(differs(figure));
  figure = example();
  figure.validation.clear();
  CHECK(differs(figure));
  CHECK(count_colour(render_curve_figure(figure), kValidationColour) <
        count_colour(render_curve_figure(example()), kValidationColour) / 4);
}

TEST_CASE("a wild beginning doesn't flatten the rest") {
  CurveFigure figure = example();
  const Canvas calm = render_curve_figure(figure);
  figure.training[0].loss = 1e6;
  figure.training[3].loss = 1e300;
  const Canvas wild = render_curve_figure(figure);
  // The same scale: the validation curve lies where it lay.
  CHECK(std::abs(count_colour(calm, kValidationColour) - count_colour(wild, kValidationColour)) <
        30);
}

TEST_CASE("the smallest curves are drawn") {
  CurveFigure figure;
  figure.validation = {{0, 3}};
  CHECK_NOTHROW(render_curve_figure(figure));
  figure.validation.clear();
  figure.training = {{5, -1e9}};
  CHECK_NOTHROW(render_curve_figure(figure));
  figure.training = {{0, 1}, {1, 1}};
  figure.floor = CurveFloor{-20, std::string(500, 'x')};
  CHECK_NOTHROW(render_curve_figure(figure));
}

TEST_CASE("curves that can't be drawn are refused") {
  CHECK_THROWS_WITH_AS(render_curve_figure({}), "training curve: no steps to show", NumericError);
  CurveFigure figure = example();
  figure.training[4].loss = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS(render_curve_figure(figure),
                       "training curve: training point 5 is not finite", NumericError);
  figure = example();
  figure.validation[0].step = std::nan("");
  CHECK_THROWS_AS(render_curve_figure(figure), NumericError);
  figure = example();
  figure.best->loss = std::nan("");
  CHECK_THROWS_AS(render_curve_figure(figure), NumericError);
  figure = example();
  figure.floor->loss = -std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(render_curve_figure(figure), NumericError);
}

}  // namespace
}  // namespace iflow
