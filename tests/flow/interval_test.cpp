#include "flow/interval.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "flow/flow_fixture.h"

namespace iflow {
namespace {

constexpr double kAlpha = 1e-6;

std::vector<ColumnInterval> kinds_of_intervals() {
  return {{0, 0.0, 1.0}, {0, -3.0, 250.0}, {0, 2.0, std::nullopt, 5}, {0, std::nullopt, -1.0, 0.1}};
}

// Places inside, from close to a bound to far from it.
std::vector<double> places(const ColumnInterval& b) {
  std::vector<double> xs;
  for (const double t : {0.0, 1e-9, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999, 1.0}) {
    if (b.lower && b.upper) {
      xs.push_back(*b.lower + t * (*b.upper - *b.lower));
    } else {
      xs.push_back(b.lower ? *b.lower + 20 * t * b.scale : *b.upper - 20 * t * b.scale);
    }
  }
  return xs;
}

TEST_CASE("bounds: the inverse undoes it, on the bounds as well") {
  for (const ColumnInterval& b : kinds_of_intervals()) {
    const IntervalMap column(b, kAlpha);
    for (const double x : places(b)) {
      CHECK(std::isfinite(column.transform(x)));
      CHECK(std::fabs(column.inverse(column.transform(x)) - x) <= 1e-14 * (1 + std::fabs(x)) * 10);
    }
  }
}

TEST_CASE("bounds: the formulas of the logit, in long double") {
  const IntervalMap column({0, 0.0, 1.0}, kAlpha);
  for (const double x : {0.0, 1e-12, 0.25, 0.75, 1 - 1e-12, 1.0}) {
    const long double s = 1e-6L + (1 - 2e-6L) * x,
                      rest = 1e-6L + (1 - 2e-6L) * (1 - (long double)x);
    CHECK(column.transform(x) == doctest::Approx(double(logl(s) - logl(rest))).epsilon(1e-12));
    CHECK(column.log_slope(x) ==
          doctest::Approx(double(logl(1 - 2e-6L) - logl(s) - logl(rest))).epsilon(1e-9));
  }
}

TEST_CASE("bounds: slopes are those of differences") {
  for (const ColumnInterval& b : kinds_of_intervals()) {
    const IntervalMap column(b, kAlpha);
    for (const double x : {places(b)[4], places(b)[5], places(b)[6]}) {
      const double h = 1e-5 * (b.lower && b.upper ? *b.upper - *b.lower : b.scale);
      const double slope = (column.transform(x + h) - column.transform(x - h)) / (2 * h);
      CHECK(column.log_slope(x) == doctest::Approx(std::log(slope)).epsilon(1e-6));
      const double bend = (column.log_slope(x + h) - column.log_slope(x - h)) / (2 * h);
      CHECK(std::fabs(column.log_slope_derivative(x) - bend) <= 1e-5 * (1 + std::fabs(bend)));
    }
  }
}

TEST_CASE("bounds: whatever z, the inverse is inside") {
  for (const ColumnInterval& b : kinds_of_intervals()) {
    const IntervalMap column(b, kAlpha);
    Rng rng(1, RngPurpose::kTest);
    for (int i = 0; i < 10000; ++i) CHECK(column.contains(column.inverse(30 * rng.normal())));
    for (const double y : {-1e300, -800.0, 800.0, 1e300}) {
      CHECK(column.contains(column.inverse(y)));
      CHECK_FALSE(std::isnan(column.inverse(y)));
    }
  }
}

TEST_CASE("bounds: the slope of the inverse is bounded near a place, tightly") {
  for (const ColumnInterval& b : kinds_of_intervals()) {
    const IntervalMap column(b, kAlpha);
    Rng rng(2, RngPurpose::kTest);
    for (int i = 0; i < 10000; ++i) {
      const double y = 4 * rng.normal(), radius = std::pow(10, -4 * rng.uniform());
      const double other = y + radius * (2 * rng.uniform() - 1);
      const double error = std::fabs(column.inverse(other) - column.inverse(y));
      const double bound = column.inverse_slope_near(y, radius) * std::fabs(other - y);
      CHECK(error <= bound + 1e-12 * (1 + std::fabs(column.inverse(y))));
    }
    const double slope = (column.inverse(1 + 1e-6) - column.inverse(1 - 1e-6)) / 2e-6;
    CHECK(column.inverse_slope_near(1, 1e-6) == doctest::Approx(slope).epsilon(1e-4));
  }
}

TEST_CASE("bounds: nonsense is refused") {
  CHECK_THROWS_AS(IntervalMap({0, 1.0, 1.0}, kAlpha), UsageError);
  CHECK_THROWS_AS(IntervalMap({0, 1.0, 0.0}, kAlpha), UsageError);
  CHECK_THROWS_AS(IntervalMap({0, std::nullopt, std::nullopt}, kAlpha), UsageError);
  CHECK_THROWS_AS(IntervalMap({0, 0.0, std::nullopt, 0}, kAlpha), UsageError);
  CHECK_THROWS_AS(IntervalMap({0, 0.0, 1.0}, 0), UsageError);
  CHECK_THROWS_AS(IntervalMap({0, 0.0, 1.0}, 0.5), UsageError);
  CHECK_THROWS_AS(Interval<double>({{{2, 0.0, 1.0}}, kAlpha}, 2), UsageError);
  CHECK_THROWS_AS(Interval<double>({{{0, 0.0, 1.0}, {0, 0.0, 1.0}}, kAlpha}, 2), UsageError);
}

// One column between 0 and 1, or above 0.
Model bounded_model(const ColumnInterval& interval) {
  FlowConfig config;
  config.dimension = 1;
  config.layers.emplace_back(IntervalConfig{{interval}, kAlpha});
  config.layers.emplace_back(ActNormConfig{});
  config.layers.emplace_back(ResidualBlockConfig{branch_config(1, {6, 5}, "sine")});
  return FlowFixture(config).model();
}

TEST_CASE("bounds: a density in one dimension integrates to 1, estimated as well") {
  // Midpoints of cells that are equal in y, where the density is smooth.
  for (const ColumnInterval& b :
       {ColumnInterval{0, 0.0, 1.0}, ColumnInterval{0, 2.0, std::nullopt, 5},
        ColumnInterval{0, std::nullopt, -1.0, 0.1}}) {
    const Model model = bounded_model(b);
    const IntervalMap column(b, kAlpha);
    constexpr double kStep = 1e-3;
    double mass = 0;
    std::vector<double> x, width;
    for (double y = -13; y < 13; y += kStep) {
      x.push_back(column.inverse(y + kStep / 2));
      width.push_back(std::fabs(column.inverse(y + kStep) - column.inverse(y)));
    }
    const std::vector<double> log_p = model.log_density(x);
    for (std::size_t i = 0; i < x.size(); ++i) mass += width[i] * std::exp(log_p[i]);
    CHECK(mass == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("bounds: outside the density is zero, and no row meets its neighbour") {
  const Model model = bounded_model({0, 0.0, 1.0});
  const std::vector<double> x = {0.3, -1e-9, 0.7, 1.5, 1e300, 1, 0};
  const std::vector<double> log_p = model.log_density(x);
  const std::vector<std::uint64_t> ids = {0, 1, 2, 3, 4, 5, 6};
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.max_standard_error = 0.1;
  const auto estimates = model.estimate_log_density(x, ids, options, 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool outside = x[i] < 0 || x[i] > 1;
    CHECK(log_p[i] == model.log_density(std::vector<double>{x[i]})[0]);
    CHECK((log_p[i] == -std::numeric_limits<double>::infinity()) == outside);
    CHECK((estimates[i].value == -std::numeric_limits<double>::infinity()) == outside);
    if (outside) CHECK(estimates[i].standard_error == 0);
  }
}

TEST_CASE("bounds: a certified inverse keeps a finite bound that holds, behind one bound too") {
  const Model model = bounded_model({0, 2.0, std::nullopt, 5});
  std::vector<double> z;
  for (double at = -2; at < 2; at += 0.01) z.push_back(at);
  InversionReport coarse_report, exact_report;
  const std::vector<double> coarse = model.decode(z, {1e-2, 1000}, coarse_report);
  const std::vector<double> exact = model.decode(z, {1e-14, 1000}, exact_report);
  CHECK(coarse_report.unconverged == 0);
  for (std::size_t i = 0; i < z.size(); ++i) {
    CHECK(std::isfinite(coarse_report.bound[i]));
    CHECK(std::fabs(coarse[i] - exact[i]) <=
          coarse_report.bound[i] + exact_report.bound[i] + 1e-12);
  }
}

}  // namespace
}  // namespace iflow
