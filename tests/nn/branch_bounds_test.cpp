#include "nn/branch_bounds.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autodiff/ops.h"
#include "base/aligned.h"
#include "kernels/simd.h"
#include "nn/branch_fixture.h"
#include "nn/branch_twin.h"
#include "nn/convolutional_branch.h"

namespace iflow {
namespace {

using WideMatrix = Eigen::Matrix<Wide, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using WideVector = Eigen::Matrix<Wide, Eigen::Dynamic, 1>;

struct Case {
  DenseBranchConfig config;
  std::string name;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 5, 16}) {
      for (const double start : {1.0, 10.0}) {
        DenseBranchConfig config = branch_config(d, {24, 12}, activation);
        config.activation_start = start;
        config.activation_first = d == 5;
        config.condition = d == 2 ? 3 : 0;
        all.push_back(
            {config, activation + ", d = " + std::to_string(d) + ", a = " + std::to_string(start)});
      }
    }
  }
  return all;
}

WideMatrix jacobian_of(const BranchTwin& twin, const std::vector<Wide>& x) {
  const auto d = static_cast<Eigen::Index>(x.size());
  const BranchTwin::Result at = twin(x);
  return Eigen::Map<const WideMatrix>(at.jacobian.data(), d, d);
}

Wide spectral_norm(const WideMatrix& a) {
  return Eigen::JacobiSVD<WideMatrix>(a).singularValues()(0);
}

std::vector<Wide> random_point(Rng& rng, std::size_t d, double size) {
  std::vector<Wide> x(d);
  for (Wide& xi : x) xi = size * rng.normal();
  return x;
}

// An upper bound of the Euclidean norm.
double norm_above(const std::vector<Wide>& x) {
  return static_cast<double>(wide_norm(x)) * (1 + 1e-15);
}

TEST_CASE("rounding of a branch and of its Jacobian keeps within the proved bounds") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const BranchFixture g(c.config);
    const BranchTwin twin(c.config, g.layout, g.values, "branch");
    const BranchBounds bounds = g.bounds();
    const std::size_t d = c.config.dimension;
    Rng rng(3, RngPurpose::kTest);
    double largest_share = 0;
    for (const double size : {1e-3, 1.0, 30.0}) {
      Tape<double> tape(false);
      const Var x = tape.variable(d, 1);
      for (std::size_t i = 0; i < x.size(); ++i) tape.value(x)[i] = size * rng.normal();
      AlignedVector<double> condition(c.config.condition * kLanes);
      for (double& ci : condition) ci = size * rng.normal();
      const double* h =
          tape.value(g.branch.forward({tape, g.layout, g.values.data(), nullptr, condition.data()},
                                      ops::unit_tangents(tape, x), 1));
      for (std::size_t l = 0; l < kLanes; ++l) {
        std::vector<Wide> row(d);
        for (std::size_t i = 0; i < d; ++i) row[i] = tape.value(x)[i * kLanes + l];
        std::vector<Wide> c_row(c.config.condition);
        for (std::size_t i = 0; i < c_row.size(); ++i) c_row[i] = condition[i * kLanes + l];
        const BranchTwin::Result exact = twin(row, c_row);
        Wide value = 0, jacobian = 0;
        for (std::size_t i = 0; i < d; ++i) {
          value += std::pow(h[i * kLanes + l] - exact.value[i], 2);
          for (std::size_t j = 0; j < d; ++j) {
            const double jij = h[((1 + j) * d + i) * kLanes + l];
            jacobian += std::pow(jij - exact.jacobian[i * d + j], 2);
          }
        }
        const BranchBounds::Rounding bound =
            bounds.rounding(norm_above(row), 0x1p-53, norm_above(c_row));
        CHECK(std::sqrt(value) <= bound.value);
        CHECK(std::sqrt(jacobian) <= bound.jacobian);
        largest_share =
            std::max(largest_share, static_cast<double>(std::sqrt(value) / bound.value));
        if (size <= 1) CHECK(bound.value < 1e-12);
      }
    }
    CHECK(largest_share > 1e-3);  // the bound is not out of all proportion
  }
}

TEST_CASE("rounding of a branch grows with its condition, as the bound does") {
  constexpr std::size_t kD = 2, kCondition = 3;
  for (const std::string activation : {"sine", "relu"}) {
    INFO(activation);
    DenseBranchConfig config = branch_config(kD, {24, 12}, activation);
    config.condition = kCondition;
    const BranchFixture g(config);
    const BranchTwin twin(config, g.layout, g.values, "branch");
    const BranchBounds bounds = g.bounds();
    REQUIRE(bounds.condition_size() == kCondition);
    Rng rng(5, RngPurpose::kTest);
    Tape<double> tape(false);
    const Var x = tape.variable(kD, 1);
    for (std::size_t i = 0; i < x.size(); ++i) tape.value(x)[i] = rng.normal();
    AlignedVector<double> condition(kCondition * kLanes);
    for (double& c : condition) c = 1e6 * rng.normal();
    const double* y = tape.value(
        g.branch.forward({tape, g.layout, g.values.data(), nullptr, condition.data()}, x, 1));
    int beyond = 0;  // rows that a bound without the condition would not cover
    for (std::size_t l = 0; l < kLanes; ++l) {
      std::vector<Wide> row(kD), c(kCondition);
      Wide off = 0;
      for (std::size_t i = 0; i < kD; ++i) row[i] = tape.value(x)[i * kLanes + l];
      for (std::size_t i = 0; i < kCondition; ++i) c[i] = condition[i * kLanes + l];
      const BranchTwin::Result exact = twin(row, c);
      for (std::size_t i = 0; i < kD; ++i) off += std::pow(y[i * kLanes + l] - exact.value[i], 2);
      const double norm = norm_above(row);
      CHECK(std::sqrt(off) <= bounds.rounding(norm, 0x1p-53, norm_above(c)).value);
      beyond += std::sqrt(off) > bounds.rounding(norm, 0x1p-53).value ? 1 : 0;
    }
    CHECK(beyond > 0);
  }
}

TEST_CASE("a branch in extended precision keeps within the bounds of its unit roundoff") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const BranchFixture g(c.config);
    const BranchTwin twin(c.config, g.layout, g.values, "branch");
    const BranchBounds bounds = g.bounds();
    Tape<double> tape(false);
    Rng rng(6, RngPurpose::kTest);
    for (const double size : {1e-3, 1.0, 30.0}) {
      const std::vector<Wide> x = random_point(rng, c.config.dimension, size);
      const std::vector<Wide> condition = random_point(rng, c.config.condition, size);
      std::vector<Extended> off =
          g.branch.extended_value({tape, g.layout, g.values.data()}, x, condition);
      const std::vector<Wide> value = twin(x, condition).value;
      REQUIRE(off.size() == value.size());
      for (std::size_t i = 0; i < value.size(); ++i) off[i] -= value[i];
      CHECK(wide_norm(off) <=
            bounds.rounding(norm_above(x), kExtendedRoundoff, norm_above(condition)).value);
    }
  }
}

TEST_CASE("the Jacobian of a branch varies no more than is proved") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const BranchFixture g(c.config);
    const BranchTwin twin(c.config, g.layout, g.values, "branch");
    const double bound = g.bounds().jacobian_lipschitz();
    if (c.config.activation == "relu") {
      CHECK(bound == std::numeric_limits<double>::infinity());
      continue;
    }
    Rng rng(4, RngPurpose::kTest);
    const std::size_t d = c.config.dimension;
    Wide largest = 0;
    for (int pair = 0; pair < 200; ++pair) {
      const std::vector<Wide> x = random_point(rng, d, 1);
      std::vector<Wide> y = random_point(rng, d, pair % 2 == 0 ? 1e-3 : 0.1);
      Wide squares = 0;
      for (std::size_t i = 0; i < d; ++i) {
        squares += y[i] * y[i];
        y[i] += x[i];
      }
      const Wide change = spectral_norm(jacobian_of(twin, x) - jacobian_of(twin, y));
      largest = std::max(largest, change / std::sqrt(squares));
    }
    CHECK(largest <= bound);
    CHECK(largest > 1e-3 * bound);
  }
}

// The largest ||J(x) v||, ||v|| = 1, that ascent by differences from x finds: each step moves along
// the gradient of ||J(x) v|| in x and takes the best v there.
Wide steepest_near(const BranchTwin& twin, std::vector<Wide> x) {
  const std::size_t d = x.size();
  Wide best = spectral_norm(jacobian_of(twin, x)), step = 0.1L;
  for (int i = 0; i < 100 && step > 1e-3L; ++i) {
    std::vector<Wide> slope(d);
    Wide length = 0;
    for (std::size_t j = 0; j < d; ++j) {
      std::vector<Wide> moved = x;
      moved[j] += 1e-6L;
      slope[j] = (spectral_norm(jacobian_of(twin, moved)) - best) / 1e-6L;
      length += slope[j] * slope[j];
    }
    if (length == 0) return best;
    std::vector<Wide> next = x;
    for (std::size_t j = 0; j < d; ++j) next[j] += step * slope[j] / std::sqrt(length);
    const Wide found = spectral_norm(jacobian_of(twin, next));
    if (found > best * (1 + 1e-5L)) {
      best = found;
      x = next;
    } else {
      step /= 2;
    }
  }
  return best;
}

TEST_CASE("no direction at any point is stretched by more than the proved Lipschitz bound") {
  for (const Case& c : cases()) {
    const std::size_t d = c.config.dimension;
    if (d > 5) continue;  // where ascent takes its time
    INFO(c.name);
    const BranchFixture g(c.config);
    const BranchTwin twin(c.config, g.layout, g.values, "branch");
    Rng rng(5, RngPurpose::kTest);
    Wide largest = 0;
    for (int start = 0; start < 3; ++start) {
      largest = std::max(largest, steepest_near(twin, random_point(rng, d, 1)));
    }
    for (int i = 0; i < 100; ++i) {
      largest = std::max(largest, spectral_norm(jacobian_of(twin, random_point(rng, d, 3))));
    }
    CHECK(largest <= g.lipschitz());
    CHECK(largest > 0.02 * g.lipschitz());
  }
}

TEST_CASE("the Lipschitz bound is attained where the weights are aligned") {
  // diagonal weights of norm .97 and an activation of slope 1 at the origin
  for (const char* activation : {"tanh", "sine"}) {
    BranchFixture g(branch_config(2, {2, 2}, activation));
    for (const ParameterInfo& info : g.layout.entries()) {
      double* first = g.values.data() + info.offset;
      if (info.max_norm == 0) {
        if (info.name.ends_with("bias")) std::fill_n(first, info.size(), 0.0);
        continue;
      }
      for (std::size_t i = 0; i < 4; ++i) first[i] = i % 3 == 0 ? 0.97 : 0;
    }
    const BranchTwin twin(branch_config(2, {2, 2}, activation), g.layout, g.values, "branch");
    const double attained = static_cast<double>(spectral_norm(jacobian_of(twin, {0, 0})));
    CHECK(g.lipschitz() >= attained);
    CHECK(g.lipschitz() <= attained * (1 + 1e-12));
  }
}

TEST_CASE("norms of absolute values and of rows") {
  Rng rng(6, RngPurpose::kTest);
  for (const std::size_t rows : {1, 2, 7, 30}) {
    for (const std::size_t columns : {1, 3, 30}) {
      std::vector<double> w(rows * columns);
      for (double& x : w) x = rng.normal();
      const auto m = static_cast<Eigen::Index>(rows), n = static_cast<Eigen::Index>(columns);
      const Eigen::MatrixXd a =
          Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
              w.data(), m, n);
      const double exact = Eigen::JacobiSVD<Eigen::MatrixXd>(a.cwiseAbs()).singularValues()(0);
      CHECK(absolute_norm(w.data(), rows, columns) >= exact * (1 - 1e-14));
      CHECK(absolute_norm(w.data(), rows, columns) <= 1.5 * exact);
      CHECK(largest_row_norm(w.data(), rows, columns) ==
            doctest::Approx(a.rowwise().norm().maxCoeff()));
    }
  }
}

// g and its Jacobian's columns at x, in T: [(1 + d) G][d], as doubles.
template <class T>
std::vector<double> evaluate(const ConvolutionalBranchConfig& config,
                             const std::vector<double>& values, const std::vector<double>& x) {
  ParameterLayout layout;
  const ConvolutionalBranch<T> g(config, layout, "branch");
  const std::vector<T> numbers(values.begin(), values.end());
  Tape<T> tape(false);
  const Var at = tape.variable(config.image.size(), 1);
  std::copy(x.begin(), x.end(), tape.value(at));
  const Var h = g.forward({tape, layout, numbers.data()}, ops::unit_tangents(tape, at), 1);
  return {tape.value(h), tape.value(h) + h.size()};
}

TEST_CASE("convolutions: floats are off by no more than is proved of them") {
  for (const std::string& activation : activation_names()) {
    INFO(activation);
    ConvolutionalBranchConfig config;
    config.image = {4, 3, 2};
    config.filters = {5, 4};
    config.sides = {3, 1, 3};
    config.activation = activation;
    config.activation_start = 2;
    config.activation_first = activation != "sine";
    ParameterLayout layout;
    const ConvolutionalBranch<double> g(config, layout, "branch");
    std::vector<double> values(layout.size(), 0);
    g.initialise(layout, values, 1);
    disturb(layout, values, 1, 0.2);
    for (double& v : values) v = static_cast<float>(v);
    const BranchBounds bounds = g.bounds(layout, values, proved_norms(layout, values));
    const std::size_t d = config.image.size();
    Rng rng(7, RngPurpose::kTest);
    for (const double size : {1e-2, 1.0, 10.0}) {
      std::vector<double> x(d * kLanes);
      for (double& xi : x) xi = static_cast<float>(size * rng.normal());
      const std::vector<double> rough = evaluate<float>(config, values, x),
                                fine = evaluate<double>(config, values, x);
      double closest = 0;  // to its bound that a lane comes
      for (std::size_t l = 0; l < kLanes; ++l) {
        double squares = 0, value = 0, jacobian = 0;
        for (std::size_t i = l; i < rough.size(); i += kLanes) {
          const double off = std::pow(rough[i] - fine[i], 2);
          (i < d * kLanes ? value : jacobian) += off;
          if (i < d * kLanes) squares += x[i] * x[i];
        }
        const BranchBounds::Rounding bound = bounds.rounding(std::sqrt(squares), 0x1p-24);
        CHECK(std::sqrt(value) <= bound.value);
        closest = std::max(closest, std::sqrt(value) / bound.value);
        CHECK(std::sqrt(jacobian) <= bound.jacobian);
      }
      CHECK(closest > 1e-4);  // of use, though the worst case never happens
    }
  }
}

}  // namespace
}  // namespace iflow
