#include "flow/marginal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "flow/lanes.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

// Bins of all sizes, the first and the last of them tiny.
std::vector<double> masses() {
  std::vector<double> w = {1e-6, 0.8, 0.05, 1e-9, 0.1, 0.04, 1e-7};
  double sum = 0;
  for (const double wk : w) sum += wk;
  for (double& wk : w) wk /= sum;
  return w;
}

TEST_CASE("marginal: the inverse undoes it, in every bin and at its edges") {
  const MarginalMap map(masses(), 1e-9);
  for (double v = 0; v <= 7; v += 1.0 / 64) {
    INFO(v);
    // where T hardly rises, an ulp of it is much of v; at an edge that goes for both bins
    const double left = std::exp(map.log_slope(std::max(v - 1e-9, 0.0)));
    const double tolerance = 1e-14 / std::min({1.0, left, std::exp(map.log_slope(v))});
    CHECK(std::fabs(map.inverse(map.transform(v)) - v) < 1e-13 + tolerance);
  }
  CHECK(map.inverse(-40) == 0);
  CHECK(map.inverse(40) == 7);
}

TEST_CASE("marginal: the slope is that of differences, and so is its derivative") {
  const MarginalMap map(masses(), 1e-9);
  for (double v = 1.0 / 16; v < 7; v += 1.0 / 8) {
    INFO(v);
    const double h = 1e-5;
    const double slope = (map.transform(v + h) - map.transform(v - h)) / (2 * h);
    CHECK(std::exp(map.log_slope(v)) == doctest::Approx(slope).epsilon(1e-6));
    const double bend = (map.log_slope(v + h) - map.log_slope(v - h)) / (2 * h);
    CHECK(map.log_slope_derivative(v) == doctest::Approx(bend).epsilon(1e-5));
  }
}

TEST_CASE("marginal: pushes its own distribution to the standard normal one") {
  // The density that N(0, 1) pulls back to is piecewise constant: the masses.
  const std::vector<double> w = masses();
  const MarginalMap map(w, 1e-9);
  for (std::size_t k = 0; k < w.size(); ++k) {
    const double v = static_cast<double>(k) + 0.3, t = map.transform(v);
    const double log_p = -t * t / 2 - 0.5 * std::log(2 * std::numbers::pi) + map.log_slope(v);
    CHECK(std::exp(log_p) == doctest::Approx(w[k] * (1 - 2e-9)).epsilon(1e-12));
  }
}

TEST_CASE("marginal: inverse_slope_near bounds how far the inverse spreads") {
  const MarginalMap map(masses(), 1e-9);
  for (double t = -5.9; t < 5.9; t += 0.1) {
    for (const double radius : {1e-6, 1e-2, 0.5}) {
      const double bound = map.inverse_slope_near(t, radius);
      const double spread = map.inverse(t + radius) - map.inverse(t - radius);
      CHECK(spread <= bound * 2 * radius * (1 + 1e-6) + 1e-12);
    }
  }
}

TEST_CASE("marginal: rows outside have density zero") {
  const Marginal<double> layer({{masses()}, 1e-9}, 2);
  Tape<double> tape(false);
  const Var x = tape.variable(2, 1);
  const std::vector<double> rows = {1.5, 7.5, 0.5, 3};
  rows_to_lanes(rows.data(), 2, 2, tape.value(x));
  const Transformed y = layer.forward({tape, ParameterLayout{}, nullptr}, x);
  CHECK(tape.value(y.log_det)[0] == -std::numeric_limits<double>::infinity());
  CHECK(std::isfinite(tape.value(y.log_det)[1]));
}

TEST_CASE("marginal: gradients") {
  const Marginal<double> layer({{masses(), {0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05}}, 1e-9}, 4);
  const ParameterLayout layout;
  std::vector<double> x(4 * kLanes);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.25 + 0.1 * static_cast<double>(i % 7);
  const CheckedInput input{"x", 4, 1, x};
  expect_gradient(
      [&](Tape<double>& tape, std::span<const Var> in, std::span<const Parameter<double>>) {
        return layer.forward({tape, layout, nullptr}, in[0]).y;
      },
      {input}, {});
  expect_gradient(
      [&](Tape<double>& tape, std::span<const Var> in, std::span<const Parameter<double>>) {
        return layer.forward({tape, layout, nullptr}, in[0]).log_det;
      },
      {input}, {});
}

TEST_CASE("marginal: what makes no sense is turned down") {
  CHECK_THROWS_AS(MarginalMap({}, 1e-9), UsageError);
  CHECK_THROWS_AS(MarginalMap({0.5, 0.4}, 1e-9), UsageError);
  CHECK_THROWS_AS(MarginalMap({1.0, 0.0}, 1e-9), UsageError);
  CHECK_THROWS_AS(MarginalMap({0.5, 0.5}, 0), UsageError);
  CHECK_THROWS_AS((Marginal<double>({{masses(), masses()}, 1e-9}, 3)), UsageError);
}

}  // namespace
}  // namespace iflow
