// Values and Jacobians of a dense branch lie where the enclosure says: against a twin in long
// double, at the row itself and around it.
#include "nn/branch_enclosure.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/simd.h"
#include "nn/branch_fixture.h"
#include "nn/branch_twin.h"

namespace iflow {
namespace {

constexpr std::size_t kGiven = 3;

// Free weights, twice as many outputs as inputs.
DenseBranchConfig free_config(std::size_t d, const std::string& activation) {
  DenseBranchConfig config = branch_config(d, {24, 12}, activation);
  config.outputs = 2 * d;
  config.condition = d == 2 ? kGiven : 0;
  config.activation_first = d == 5;
  config.activation_start = 4;
  config.bounded = false;
  return config;
}

struct Worst {
  std::size_t outside = 0;
  double rounding = 0;  // largest radius of a value at the row
};

Worst check(const DenseBranchConfig& config, double radius) {
  const BranchFixture f(config);
  const BranchTwin twin(config, f.layout, f.values, "branch");
  const std::size_t d = config.dimension, m = config.outputs;
  Rng rng(7, RngPurpose::kTest);
  AlignedVector<double> x(d * kLanes), condition(config.condition * kLanes), radii(kLanes, radius);
  for (double& xi : x) xi = 3 * rng.normal();
  for (double& c : condition) c = rng.normal();
  const EnclosedBranch at =
      (*f.branch.enclosure(f.layout, f.values))(x.data(), condition.data(), radii.data());
  Worst worst;
  for (std::size_t l = 0; l < kLanes; ++l) {
    std::vector<Wide> row(d), given(config.condition);
    for (std::size_t j = 0; j < d; ++j) row[j] = x[j * kLanes + l];
    for (std::size_t j = 0; j < given.size(); ++j) given[j] = condition[j * kLanes + l];
    for (int k = 0; k < 8; ++k) {
      std::vector<Wide> near = row;
      Wide norm = 0;
      std::vector<double> move(d);
      for (double& v : move) {
        v = rng.normal();
        norm += v * v;
      }
      for (std::size_t j = 0; j < d; ++j) {
        if (k > 0) near[j] += move[j] * radius / std::sqrt(norm);
      }
      const BranchTwin::Result exact = twin(near, given);
      for (std::size_t i = 0; i < m; ++i) {
        const std::size_t e = i * kLanes + l;
        const Wide off = std::fabs(exact.value[i] - at.value[e]);
        if (!(off <= (k == 0 ? at.rounding : at.reach)[e])) ++worst.outside;
        worst.rounding = std::max(worst.rounding, at.rounding[e]);
        for (std::size_t j = 0; j < d; ++j) {
          const std::size_t t = (j * m + i) * kLanes + l;
          if (!(std::fabs(exact.jacobian[i * d + j] - at.jacobian[t]) <= at.jacobian_radius[t])) {
            ++worst.outside;
          }
        }
      }
    }
  }
  return worst;
}

TEST_CASE("branch enclosure: every activation, at rows and around them") {
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 5}) {
      for (const double radius : {0.0, 1e-12, 1e-6, 1e-2, 1.0}) {
        INFO(activation, ", d = ", d, ", radius ", radius);
        const Worst worst = check(free_config(d, activation), radius);
        CHECK(worst.outside == 0);
        CHECK(worst.rounding < 1e-11);
      }
    }
  }
}

}  // namespace
}  // namespace iflow
