#include "model/flow_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "flow/flow_fixture.h"
#include "support/tolerances.h"

namespace iflow {
namespace {

std::vector<double> slice(const std::vector<double>& rows, std::size_t first, std::size_t n,
                          std::size_t d) {
  const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first * d);
  return {begin, begin + static_cast<std::ptrdiff_t>(n * d)};
}

// The integral of the density over a box by the midpoint rule, `n` cells a side. The box must hold
// nearly all of it.
double integral(const Model& model, double low, double high, std::size_t n) {
  const std::size_t d = model.dimension();
  const double cell = (high - low) / static_cast<double>(n);
  const auto at = [&](std::size_t i) { return low + (static_cast<double>(i) + 0.5) * cell; };
  std::vector<double> rows;
  for (std::size_t i = 0; i < (d == 1 ? n : n * n); ++i) {
    rows.push_back(at(i % n));
    if (d == 2) rows.push_back(at(i / n));
  }
  double sum = 0;
  for (const double log_p : model.log_density(rows)) sum += std::exp(log_p);
  return sum * std::pow(cell, static_cast<double>(d));
}

TEST_CASE("model: densities of one and two dimensions integrate to 1") {
  for (const std::string& activation : activation_names()) {
    INFO(activation);
    const Model line = FlowFixture(flow_config(1, 3, activation)).model();
    CHECK(integral(line, -30, 30, 20000) == doctest::Approx(1).epsilon(1e-4));
    // The density of relu jumps along lines, where a grid is of first order only.
    const bool jumps = activation == "relu";
    const Model plane = FlowFixture(flow_config(2, 3, activation)).model();
    CHECK(integral(plane, -15, 15, jumps ? 1000 : 300) ==
          doctest::Approx(1).epsilon(jumps ? 5e-4 : 1e-4));
  }
}

TEST_CASE("model: decode undoes encode, and its bound holds") {
  for (const std::size_t d : {1, 2, 3, 5, 16, 20}) {
    for (const std::string& activation : {std::string("sine"), std::string("lipswish")}) {
      INFO(activation, ", d = ", d);
      const Model model = FlowFixture(flow_config(d, 3, activation, 0.97)).model();
      const std::vector<double> x = random_rows(1, 70, d);
      InversionReport report;
      const std::vector<double> back = model.decode(model.encode(x), {1e-12, 5000}, report);
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst = std::max(worst, std::fabs(back[i] - x[i]));
      }
      CHECK(worst < 1e-10);
      CHECK(report.unconverged == 0);
      REQUIRE(report.mean_iterations.size() == 6);
      CHECK(report.max_iterations[0] == 0);
      CHECK(report.max_iterations[2] >= 1);
      CHECK(report.mean_iterations[2] <= report.max_iterations[2]);

      const std::vector<double> rough = model.decode(model.encode(x), {1e-3, 5000}, report);
      bool bounded = true;
      for (std::size_t row = 0; row < 70; ++row) {
        double squares = 0;
        for (std::size_t i = row * d; i < (row + 1) * d; ++i) {
          squares += (rough[i] - x[i]) * (rough[i] - x[i]);
        }
        // the rows were encoded with rounding errors of their own
        bounded = bounded && std::sqrt(squares) <= report.bound[row] + 1e-10;
      }
      CHECK(bounded);
    }
  }
}

TEST_CASE("model: the bound of decode grows with what the layers before do to an error") {
  FlowFixture flow(flow_config(2, 2, "sine"));
  const std::vector<double> z = random_rows(5, 20, 2);
  InversionReport fine, coarse;
  flow.model().decode(z, {1e-6, 1000}, fine);
  for (double& deviation : std::get<StandardiseConfig>(flow.config.layers[0]).deviation) {
    deviation *= 100;
  }
  flow.model().decode(z, {1e-6, 1000}, coarse);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(fine.bound[i] > 0);
    // but for the rounding of that layer itself
    CHECK(coarse.bound[i] == doctest::Approx(100 * fine.bound[i]).epsilon(0.05));
  }
}

TEST_CASE("model: unconverged rows are counted and their bound says nothing") {
  const Model model = FlowFixture(flow_config(2, 2, "sine", 0.97)).model();
  InversionReport report;
  model.decode(random_rows(2, 33, 2), {1e-12, 1}, report);
  CHECK(report.unconverged == 33);
  for (const double bound : report.bound) {
    CHECK(bound == std::numeric_limits<double>::infinity());
  }
  std::vector<double> z = random_rows(2, 33, 2);
  z[2 * 20] = std::nan("");
  model.decode(z, {1e-10, 100}, report);
  CHECK(report.unconverged == 1);
  CHECK(report.bound[20] == std::numeric_limits<double>::infinity());
}

TEST_CASE("model: a row has the same bits in any company and on any number of threads") {
  constexpr std::size_t kRows = 100;
  for (const std::size_t d : {1, 2, 5}) {
    for (const std::string& activation : {std::string("sine"), std::string("clipswish")}) {
      INFO(activation, ", d = ", d);
      const Model model = FlowFixture(flow_config(d, 2, activation)).model();
      const std::vector<double> rows = random_rows(3, kRows, d);
      const InverseOptions options{1e-9, 1000};
      InversionReport report;
      const std::vector<double> log_p = model.log_density(rows), z = model.encode(rows),
                                x = model.decode(rows, options, report);
      const std::vector<double> bounds = report.bound;
      const int before = threads();
      for (const int n_threads : {1, 3}) {
        set_threads(n_threads);
        CHECK(model.log_density(rows) == log_p);
        CHECK(model.decode(rows, options, report) == x);
      }
      set_threads(1);
      for (const std::size_t size : {1, 16, 31, 65}) {
        bool same = true;
        for (std::size_t first = 0; first < kRows; first += size) {
          const std::size_t n = std::min(size, kRows - first);
          const std::vector<double> part = slice(rows, first, n, d);
          same = same && model.log_density(part) == slice(log_p, first, n, 1) &&
                 model.encode(part) == slice(z, first, n, d) &&
                 model.decode(part, options, report) == slice(x, first, n, d) &&
                 report.bound == slice(bounds, first, n, 1);
        }
        INFO("batches of ", size);
        CHECK(same);
      }
      set_threads(before);
    }
  }
}

TEST_CASE("model: a density that is not a number names the first such row") {
  const Model model = FlowFixture(flow_config(2, 1, "elu")).model();
  std::vector<double> rows = random_rows(4, 200, 2);
  rows[2 * 150] = std::nan("");
  rows[2 * 77 + 1] = std::nan("");
  CHECK_THROWS_WITH_AS(model.log_density(rows), "row 77: the log-density is not a number",
                       NumericError);
  CHECK(model.log_density({}).empty());
}

TEST_CASE("model: far rows have a low density, not none") {
  for (const std::string& activation : activation_names()) {
    INFO(activation);
    const Model model = FlowFixture(flow_config(2, 2, activation)).model();
    const std::vector<double> log_p = model.log_density(std::vector<double>{1e6, -1e6, 1e100, 0});
    CHECK(log_p[0] < -1e9);
    CHECK(std::isfinite(log_p[0]));
    CHECK(log_p[1] < -1e190);
  }
}

TEST_CASE("model: weights beyond their bound are refused, and what is not a number") {
  const FlowFixture flow(flow_config(2, 1, "sine"));
  for (const float wrong : {3.0F, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> values(flow.values.begin(), flow.values.end());
    for (const ParameterInfo& info : flow.flow.layout().entries()) {
      if (info.max_norm > 0) std::fill_n(values.data() + info.offset, info.size(), wrong);
    }
    CHECK_THROWS_AS(Model(flow.config, values), NumericError);
  }
}

TEST_CASE("model: bounds are proved layer by layer") {
  const Model model = FlowFixture(flow_config(2, 2, "relu", 0.9)).model();
  REQUIRE(model.lipschitz_bounds().size() == 5);
  for (const std::size_t i : {0, 1, 4}) CHECK(model.lipschitz_bounds()[i] == 0);
  for (const std::size_t i : {2, 3}) {
    CHECK(model.lipschitz_bounds()[i] <= 0.9 * 0.9 * 0.9 * (1 + 1e-12));
    CHECK(model.lipschitz_bounds()[i] > 0.9 * 0.9 * 0.9 * (1 - 1e-4));
  }
}

}  // namespace
}  // namespace iflow
