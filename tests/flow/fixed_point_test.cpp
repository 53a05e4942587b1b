#include "flow/fixed_point.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "flow/flow_twin.h"
#include "flow/lanes.h"
#include "nn/branch_fixture.h"

namespace iflow {
namespace {

using Invert = Inverted (*)(const Branch<double>&, const BranchBounds&, const Pass<double>&, Var,
                            const InverseOptions&);
struct Method {
  const char* name;
  Invert invert;
};

template <std::size_t kMemory>
Inverted by_fixed_point(const Branch<double>& g, const BranchBounds& bounds,
                        const Pass<double>& pass, Var y, const InverseOptions& options) {
  return invert_by_fixed_point(g, bounds, pass, y, options, kMemory);
}

constexpr Method kMethods[] = {{"Newton", invert_by_newton<double>},
                               {"fixed point", by_fixed_point<0>},
                               {"Anderson", by_fixed_point<5>}};

// x + g(x) for rows (n, d).
std::vector<double> forward(const BranchFixture& g, const std::vector<double>& rows,
                            std::size_t d) {
  const std::size_t n = rows.size() / d;
  Tape<double> tape(false);
  const Var x = tape.variable(d, groups_for(n));
  rows_to_lanes(rows.data(), n, d, tape.value(x));
  const Var h = g.branch.forward({tape, g.layout, g.values.data()}, x, x.groups);
  std::vector<double> y(rows.size());
  lanes_to_rows(tape.value(h), n, d, y.data());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += rows[i];
  return y;
}

struct Solved {
  std::vector<double> x;
  std::vector<InverseRow> rows;
};

Solved solve(const Method& method, const BranchFixture& g, const std::vector<double>& y,
             std::size_t d, const InverseOptions& options) {
  const std::size_t n = y.size() / d;
  Tape<double> tape(false);
  const Var in = tape.variable(d, groups_for(n));
  rows_to_lanes(y.data(), n, d, tape.value(in));
  const Inverted out =
      method.invert(g.branch, g.bounds(), {tape, g.layout, g.values.data()}, in, options);
  Solved solved{std::vector<double>(y.size()), {out.rows, out.rows + n}};
  lanes_to_rows(tape.value(out.x), n, d, solved.x.data());
  return solved;
}

double row_distance(const std::vector<double>& a, const std::vector<double>& b, std::size_t row,
                    std::size_t d) {
  double sum = 0;
  for (std::size_t i = row * d; i < (row + 1) * d; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

std::vector<double> rows_for(std::uint64_t key, std::size_t n, std::size_t d, double deviation) {
  Rng rng(key, RngPurpose::kTest);
  std::vector<double> x(n * d);
  for (double& xi : x) xi = deviation * rng.normal();
  return x;
}

BranchFixture branch_of(std::size_t d, const std::string& activation, double c) {
  DenseBranchConfig config = branch_config(d, {8}, activation);
  config.coefficient = c;
  return BranchFixture(config);
}

// Calls check(branch, d) for every activation, several dimensions and coefficients.
template <class F>
void for_branches(const F& check) {
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 3, 5, 16}) {
      for (const double c : {0.5, 0.97, 0.99}) {
        INFO(activation, ", d = ", d, ", c = ", c);
        check(branch_of(d, activation, c), d);
      }
    }
  }
}

TEST_CASE("both methods find the inverse") {
  constexpr std::size_t kRows = 16;
  for_branches([](const BranchFixture& g, std::size_t d) {
    const std::vector<double> x = rows_for(1, kRows, d, 3);
    const std::vector<double> y = forward(g, x, d);
    for (const Method& method : kMethods) {
      INFO(method.name);
      const Solved solved = solve(method, g, y, d, {1e-11, 4000});
      bool converged = true;
      double worst = 0;
      for (std::size_t i = 0; i < kRows; ++i) {
        converged = converged && solved.rows[i].converged && solved.rows[i].bound <= 1e-11;
        worst = std::max(worst, row_distance(solved.x, x, i, d));
      }
      CHECK(converged);
      CHECK(worst < 1e-10);
    }
  });
}

TEST_CASE("the bound is never below the true error, converged or not") {
  constexpr std::size_t kRows = 16;
  for_branches([](const BranchFixture& g, std::size_t d) {
    const std::vector<double> y = forward(g, rows_for(2, kRows, d, 3), d);
    // The root of this very y, as closely as double finds it.
    const Solved root = solve(kMethods[0], g, y, d, {1e-15, 20});
    const double rounding = 1e-13 / (1 - g.lipschitz());
    for (const Method& method : kMethods) {
      INFO(method.name);
      for (const InverseOptions& options : {InverseOptions{1e-1, 1000},
                                            {1e-3, 1000},
                                            {1e-6, 1000},
                                            {1e-11, 1},
                                            {1e-11, 2},
                                            {1e-11, 3},
                                            {1e-11, 4}}) {
        const Solved solved = solve(method, g, y, d, options);
        bool bounded = true, honest = true;
        for (std::size_t i = 0; i < kRows; ++i) {
          const InverseRow& row = solved.rows[i];
          bounded = bounded && row_distance(solved.x, root.x, i, d) <= row.bound + rounding;
          honest = honest && row.converged == (row.bound <= options.tolerance) &&
                   row.iterations <= options.max_iterations;
        }
        INFO("tolerance ", options.tolerance, ", at most ", options.max_iterations);
        CHECK(bounded);
        CHECK(honest);
      }
    }
  });
}

TEST_CASE(
    "where rounding is too much for 1 / (1 - L), Newton's rows are bounded by their Jacobians") {
  constexpr std::size_t kRows = 64;
  DenseBranchConfig config = branch_config(2, {32, 32}, "sine");
  config.coefficient = 0.995;
  const BranchFixture g(config);
  const std::vector<double> x = rows_for(8, kRows, 2, 1), y = forward(g, x, 2);
  const InverseOptions options{1e-12, 4000};
  const auto converged = [](const InverseRow& row) { return row.converged; };
  const Solved picard = solve(kMethods[1], g, y, 2, options);
  CHECK(std::none_of(picard.rows.begin(), picard.rows.end(), converged));
  const Solved newton = solve(kMethods[0], g, y, 2, options);
  CHECK(std::all_of(newton.rows.begin(), newton.rows.end(), converged));
  for (std::size_t i = 0; i < kRows; ++i) {
    const InverseRow& row = newton.rows[i];
    CHECK(row.bound <= options.tolerance);
    CHECK(row.bound == distance_to_root(g.bounds(), row.local_inverse, row.residual));
    // y is rounded: its own root is this far from x at most
    CHECK(row_distance(newton.x, x, i, 2) <= row.bound + row.local_inverse * 4e-15);
    CHECK(row.iterations < 10);
  }
}

TEST_CASE("where double's rounding is too much for any bound, a residual in long double has one") {
  constexpr std::size_t kRows = 32;
  int beyond_double = 0;
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 3}) {
      CAPTURE(activation);
      CAPTURE(d);
      DenseBranchConfig config = branch_config(d, {32, 32}, activation);
      config.coefficient = 0.995;
      const BranchFixture g(config);
      const BranchTwin twin(config, g.layout, g.values, "branch");
      const std::vector<double> y = forward(g, rows_for(9, kRows, d, 1), d);
      const Solved solved = solve(kMethods[0], g, y, d, {1e-13, 4000});
      for (std::size_t i = 0; i < kRows; ++i) {
        const InverseRow& row = solved.rows[i];
        CHECK(row.converged);
        CHECK(row.bound <= 1e-13);
        const double* yi = y.data() + i * d;
        std::vector<Wide> off = wide_inverse(twin, {yi, yi + d});
        for (std::size_t j = 0; j < d; ++j) off[j] -= solved.x[i * d + j];
        CHECK(wide_norm(off) <= row.bound);
        const double rounding = g.bounds().rounding(0, 0x1p-53).value;
        if (distance_to_root(g.bounds(), row.local_inverse, rounding) > 1e-13) ++beyond_double;
      }
    }
  }
  CHECK(beyond_double > 100);
}

TEST_CASE("too few iterations are reported, none at all returns y with nothing known") {
  const BranchFixture g = branch_of(2, "sine", 0.97);
  const std::vector<double> y = forward(g, rows_for(3, 20, 2, 3), 2);
  for (const Method& method : kMethods) {
    INFO(method.name);
    const Solved one = solve(method, g, y, 2, {1e-12, 1});
    for (const InverseRow& row : one.rows) {
      CHECK_FALSE(row.converged);
      CHECK(row.iterations == 1);
      CHECK(row.bound > 1e-12);
    }
    const Solved none = solve(method, g, y, 2, {1e-12, 0});
    CHECK(none.x == y);
    for (const InverseRow& row : none.rows) {
      CHECK_FALSE(row.converged);
      CHECK(row.iterations == 0);
      CHECK(row.bound == std::numeric_limits<double>::infinity());
    }
  }
}

TEST_CASE("Newton needs few evaluations, the fixed point no more than its proof says") {
  const BranchFixture g = branch_of(3, "sine", 0.97);
  const double lipschitz = g.lipschitz();
  const std::vector<double> x = rows_for(4, 200, 3, 3), y = forward(g, x, 3);
  int most = 0;
  for (const InverseRow& row : solve(kMethods[0], g, y, 3, {1e-10, 1000}).rows) {
    most = std::max(most, row.iterations);
  }
  CHECK(most <= 20);
  const Solved picard = solve(kMethods[1], g, y, 3, {1e-10, 4000});
  for (std::size_t i = 0; i < 200; ++i) {
    // ||x_1 - x_0|| = ||g(y)||, at most (1 + L) ||y - x*|| for the root x* = x. The bound of step n
    // is L / (1 - L) L^(n-1) ||x_1 - x_0|| at most.
    const double first = (1 + lipschitz) * row_distance(y, x, i, 3);
    const double needed = std::log(1e-10 * (1 - lipschitz) / first) / std::log(lipschitz);
    CHECK(picard.rows[i].iterations <= std::ceil(needed) + 1);
  }
}

TEST_CASE("a row's inverse has the same bits whatever rows and lanes it shares") {
  for (const std::string& activation : {std::string("sine"), std::string("lipswish")}) {
    for (const std::size_t d : {1, 2, 5}) {
      const BranchFixture g = branch_of(d, activation, 0.97);
      // Rows near and far, so that they need different numbers of iterations.
      std::vector<double> y = forward(g, rows_for(5, 40, d, 2), d);
      for (std::size_t i = 0; i < y.size(); i += 3 * d) y[i] *= 50;
      for (const Method& method : kMethods) {
        INFO(method.name, ", ", activation, ", d = ", d);
        const Solved together = solve(method, g, y, d, {1e-9, 1000});
        bool same = true;
        for (std::size_t i = 0; i < 40; ++i) {
          const auto first = y.begin() + static_cast<std::ptrdiff_t>(i * d);
          const std::vector<double> row(first, first + static_cast<std::ptrdiff_t>(d));
          const Solved alone = solve(method, g, row, d, {1e-9, 1000});
          same = same && std::equal(alone.x.begin(), alone.x.end(),
                                    together.x.begin() + static_cast<std::ptrdiff_t>(i * d));
          same = same && alone.rows[0].iterations == together.rows[i].iterations &&
                 alone.rows[0].bound == together.rows[i].bound;
        }
        CHECK(same);
      }
    }
  }
}

TEST_CASE("a branch that is constant is inverted at once") {
  BranchFixture g = branch_of(2, "tanh", 0.9);
  for (const ParameterInfo& info : g.layout.entries()) {
    if (info.max_norm > 0) std::fill_n(g.values.data() + info.offset, info.size(), 0.0);
  }
  CHECK(g.lipschitz() == 0);
  const std::vector<double> x = rows_for(6, 3, 2, 1), y = forward(g, x, 2);
  for (const Method& method : kMethods) {
    INFO(method.name);
    const Solved solved = solve(method, g, y, 2, {1e-12, 100});
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(solved.rows[i].converged);
      CHECK(solved.rows[i].iterations <= 3);
      CHECK(row_distance(solved.x, x, i, 2) < 1e-15);
    }
  }
}

TEST_CASE("a row that is not a number stays one, unconverged, and leaves its neighbours alone") {
  const BranchFixture g = branch_of(2, "sine", 0.9);
  std::vector<double> y = forward(g, rows_for(7, 4, 2, 1), 2);
  for (const Method& method : kMethods) {
    const Solved clean = solve(method, g, y, 2, {1e-10, 50});
    std::vector<double> dirty = y;
    dirty[2] = std::nan("");
    const Solved solved = solve(method, g, dirty, 2, {1e-10, 50});
    INFO(method.name);
    CHECK_FALSE(solved.rows[1].converged);
    CHECK_FALSE(solved.rows[1].bound < 1e300);
    CHECK(std::isnan(solved.x[2]));
    for (const std::size_t i : {0, 1, 4, 5, 6, 7}) CHECK(solved.x[i] == clean.x[i]);
  }
}

}  // namespace
}  // namespace iflow
