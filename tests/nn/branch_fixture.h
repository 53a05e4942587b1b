// A residual branch with parameters as training leaves them: free ones anywhere, weights within
// their bound.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "nn/activations.h"
#include "nn/dense_branch.h"
#include "nn/lipschitz.h"
#include "nn/parameters.h"
#include "support/tolerances.h"

namespace iflow {

// Moves every number of `values` by a normal one times `deviation`, and scales each weight to its
// coefficient, so that the bound on its norm is attained.
inline void disturb(const ParameterLayout& layout, std::vector<double>& values, std::uint64_t key,
                    double deviation) {
  for (std::size_t i = 0; i < layout.entries().size(); ++i) {
    const ParameterInfo& info = layout[i];
    Rng rng(key, RngPurpose::kTest, i);
    double* first = values.data() + info.offset;
    for (std::size_t j = 0; j < info.size(); ++j) first[j] += deviation * rng.normal();
    if (info.max_norm == 0) continue;
    const double norm = proved_norm(info, first);
    for (std::size_t j = 0; j < info.size(); ++j) first[j] *= info.max_norm / norm * (1 - 1e-12);
  }
}

struct BranchFixture {
  explicit BranchFixture(const DenseBranchConfig& config, std::uint64_t key = 1)
      : branch(config, layout, "branch"), values(layout.size(), 0) {
    branch.initialise(layout, values, key);
    disturb(layout, values, key, 0.2);
  }

  // On this thread alone: waking a team for so little would be most of a test's time.
  BranchBounds bounds() const {
    std::vector<double> norms;
    for (const ParameterInfo& info : layout.entries()) {
      const double* w = values.data() + info.offset;
      norms.push_back(info.max_norm > 0 ? proved_norm(info, w) : 0);
    }
    return branch.bounds(layout, values, norms);
  }
  double lipschitz() const { return bounds().lipschitz(); }

  ParameterLayout layout;
  DenseBranch<double> branch;
  std::vector<double> values;
};

inline DenseBranchConfig branch_config(std::size_t dimension, std::vector<std::size_t> hidden,
                                       std::string activation) {
  DenseBranchConfig config;
  config.dimension = dimension;
  config.hidden = std::move(hidden);
  config.activation = std::move(activation);
  config.activation_start = 2;  // so that third derivatives leave differences accurate
  return config;
}

// relu and elu have kinks in phi or phi': differences over a kink are wrong, so their step is so
// short that hardly any row has one inside. Rounding then costs digits.
inline bool has_kinks(const std::string& activation) {
  return activation == "relu" || activation == "elu";
}
inline GradientTolerances gradient_tolerances(const std::string& activation) {
  if (has_kinks(activation)) return {3e-6, {1e-6, 1e-6}};
  return {};
}

}  // namespace iflow
