#include "flow/anderson.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "flow/fixed_point.h"
#include "flow/lanes.h"
#include "nn/branch_fixture.h"

namespace iflow {
namespace {

// Residuals b - A x of an affine map, a different one in every lane.
struct Affine {
  std::size_t n;
  std::vector<double> a, b;

  explicit Affine(std::size_t dimension) : n(dimension), a(n * n * kLanes), b(n * kLanes) {
    Rng rng(n, RngPurpose::kTest);
    for (double& x : a) x = 0.3 * rng.normal() / std::sqrt(static_cast<double>(n));
    for (double& x : b) x = rng.normal();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) a[i * (n + 1) * kLanes + l] += 1;
    }
  }

  std::vector<double> residual(const double* x) const {
    std::vector<double> r = b;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t l = 0; l < kLanes; ++l) {
          r[i * kLanes + l] -= a[(i * n + j) * kLanes + l] * x[j * kLanes + l];
        }
      }
    }
    return r;
  }
};

double norm_of_lane(const std::vector<double>& r, std::size_t lane) {
  double squares = 0;
  for (std::size_t i = lane; i < r.size(); i += kLanes) squares += r[i] * r[i];
  return std::sqrt(squares);
}

// Residual norms of every lane after `steps` steps; lane 3 rejects every third iterate.
std::vector<double> solve(const Affine& map, std::size_t memory, int steps) {
  Tape<double> tape(false);
  Anderson<double> anderson(tape, map.n, 1, memory);
  std::vector<double> x(map.n * kLanes, 0), before = x, r_before = x;
  for (int k = 0; k < steps; ++k) {
    const std::vector<double> r = map.residual(x.data());
    std::array<bool, kLanes> accepted;
    accepted.fill(true);
    accepted[3] = k % 3 != 2;
    anderson.record(0, accepted, x.data(), r.data(), before.data(), r_before.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!accepted[i % kLanes]) continue;
      before[i] = x[i];
      r_before[i] = r[i];
    }
    std::vector<double> step(x.size());
    anderson.step(0, r_before.data(), step.data());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = before[i] + step[i];
  }
  const std::vector<double> r = map.residual(x.data());
  std::vector<double> norms;
  for (std::size_t l = 0; l < kLanes; ++l) norms.push_back(norm_of_lane(r, l));
  return norms;
}

TEST_CASE("anderson: with as much memory as there are dimensions an affine map is solved") {
  const Affine map(4);
  const std::vector<double> norms = solve(map, 5, 7);
  for (std::size_t l = 0; l < kLanes; ++l) {
    if (l != 3) CHECK(norms[l] < 1e-7);
  }
  CHECK(norms[3] < 0.1);
}

TEST_CASE("anderson: without memory it is the fixed-point iteration") {
  const Affine map(4);
  const std::vector<double> norms = solve(map, 0, 3);
  std::vector<double> x(map.n * kLanes, 0);
  for (int k = 0; k < 3; ++k) {
    const std::vector<double> r = map.residual(x.data());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += r[i];
  }
  const std::vector<double> r = map.residual(x.data());
  for (std::size_t l = 0; l < kLanes; ++l) {
    if (l != 3) CHECK(norms[l] == doctest::Approx(norm_of_lane(r, l)).epsilon(1e-12));
  }
}

TEST_CASE("anderson: saves evaluations of a branch, and the answer is as good") {
  // Of low rank, as trained branches nearly are: among all directions alike there is nothing to
  // gain.
  DenseBranchConfig config = branch_config(40, {6}, "elu");
  config.coefficient = 0.97;
  const BranchFixture g(config);
  constexpr std::size_t kRows = 64;
  Rng rng(1, RngPurpose::kTest);
  std::vector<double> y(kRows * 40);
  for (double& yi : y) yi = rng.normal();
  std::vector<double> mean;
  for (const std::size_t memory : {0, 5}) {
    Tape<double> tape(false);
    const Var in = tape.variable(40, groups_for(kRows));
    rows_to_lanes(y.data(), kRows, 40, tape.value(in));
    InverseOptions options;
    options.tolerance = 1e-10;
    const Inverted out = invert_by_fixed_point(
        g.branch, g.bounds(), {tape, g.layout, g.values.data()}, in, options, memory);
    double sum = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      CHECK(out.rows[i].converged);
      sum += out.rows[i].iterations;
    }
    mean.push_back(sum / kRows);
  }
  MESSAGE("evaluations: ", mean[0], " plain, ", mean[1], " with memory 5");
  CHECK(mean[1] < 0.8 * mean[0]);
}

}  // namespace
}  // namespace iflow
