// Flows with parameters as training leaves them, and what they do to rows, for tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "flow/build_flow.h"
#include "flow/lanes.h"
#include "model/flow_model.h"
#include "nn/branch_fixture.h"
#include "objective/likelihood.h"

namespace iflow {

// Columns of all sizes and places.
inline StandardiseConfig standardise_config(std::size_t d) {
  StandardiseConfig config;
  for (std::size_t i = 0; i < d; ++i) {
    config.mean.push_back(static_cast<double>(i) - 1.5);
    config.deviation.push_back(0.5 + static_cast<double>(i % 4));
  }
  return config;
}

// A lower triangular factor with rows of all sizes.
inline WhitenConfig whiten_config(std::size_t d) {
  WhitenConfig config{std::vector<double>(d * d, 0)};
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      config.factor[i * d + j] = 0.3 * std::sin(static_cast<double>(i + 2 * j));
    }
    config.factor[i * (d + 1)] = 0.6 + 0.2 * static_cast<double>(i % 3);
  }
  return config;
}

// Two bounds for every other column, wide enough for random_rows.
inline IntervalConfig interval_config(std::size_t d) {
  IntervalConfig config;
  for (std::size_t i = 0; i < d; i += 2) {
    const double middle = static_cast<double>(i) - 1.5;
    config.columns.push_back({i, middle - 30, middle + 25});
  }
  return config;
}

// Of pixels of 16 levels, a histogram of its own for every channel.
inline MarginalConfig marginal_config(std::size_t channels) {
  MarginalConfig config;
  for (std::size_t c = 0; c < channels; ++c) {
    std::vector<double>& masses = config.masses.emplace_back(16, 0.5 / 15);
    masses[4 * c] = 0.5;
  }
  return config;
}

inline ConvolutionalBlockConfig convolutional_config(const ImageShape& image,
                                                     const std::string& activation) {
  ConvolutionalBranchConfig config;
  config.image = image;
  config.filters = {3, 4};
  config.sides = {3, 1, 3};
  config.activation = activation;
  config.activation_start = 2;
  config.activation_first = activation != "sine";
  config.coefficient = 0.9;
  return {config};
}

inline CouplingConfig coupling_config(CouplingKind kind, bool from_second) {
  CouplingConfig config;
  config.kind = kind;
  config.hidden = {6, 5};
  config.activation = "tanh";
  config.from_second = from_second;
  config.bins = 5;
  return config;
}

inline CouplingConfig image_coupling_config(CouplingKind kind, const ImageShape& image,
                                            ChannelMask mask, bool from_second) {
  CouplingConfig config = coupling_config(kind, from_second);
  config.image = image;
  config.sides = {3, 1, 3};
  config.mask = mask;
  return config;
}

// Standardisation, ActNorm, `blocks` blocks, ActNorm.
inline FlowConfig flow_config(std::size_t d, std::size_t blocks, const std::string& activation,
                              double coefficient = 0.9) {
  FlowConfig config;
  config.dimension = d;
  config.layers.emplace_back(standardise_config(d));
  config.layers.emplace_back(ActNormConfig{});
  for (std::size_t i = 0; i < blocks; ++i) {
    DenseBranchConfig branch = branch_config(d, {6, 5}, activation);
    branch.coefficient = coefficient;
    config.layers.emplace_back(ResidualBlockConfig{branch});
  }
  config.layers.emplace_back(ActNormConfig{});
  return config;
}

// A flow given c further columns.
inline FlowConfig conditional(FlowConfig config, std::size_t c) {
  for (LayerConfig& layer : config.layers) {
    if (auto* block = std::get_if<ResidualBlockConfig>(&layer)) block->branch.condition = c;
  }
  const StandardiseConfig units = standardise_config(c);
  config.condition = {units.mean, units.deviation};
  return config;
}

// The condition of `groups` groups of rows, standardised.
inline AlignedVector<double> random_condition(const FlowConfig& config, std::size_t groups) {
  Rng rng(11, RngPurpose::kTest);
  AlignedVector<double> condition(groups * config.condition.size() * kLanes);
  for (double& c : condition) c = rng.normal();
  return condition;
}

// Rows in the data's own units, (n, d).
inline std::vector<double> random_rows(std::uint64_t key, std::size_t n, std::size_t d) {
  const StandardiseConfig units = standardise_config(d);
  Rng rng(key, RngPurpose::kTest);
  std::vector<double> rows(n * d);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = units.mean[i % d] + units.deviation[i % d] * rng.normal();
  }
  return rows;
}

// A built flow with disturbed initial parameters, its inverse proved.
struct FlowFixture {
  explicit FlowFixture(FlowConfig flow_config, std::uint64_t key = 1)
      : config(std::move(flow_config)),
        flow(build_flow<double>(config)),
        values(flow.layout().size(), 0) {
    const std::size_t d = config.dimension;
    Tape<double> tape(false);
    const Var x = tape.variable(d, 4);
    Rng rng(key, RngPurpose::kTest);
    for (std::size_t i = 0; i < x.size(); ++i) tape.value(x)[i] = rng.normal();
    const std::vector<double> weights(4 * kLanes, 1);
    const AlignedVector<double> condition = random_condition(config, 4);
    flow.initialise(values, {tape, x, weights.data(), condition.data(), config.condition.size()},
                    key);
    disturb(flow.layout(), values, key, 0.2);
    certificate = flow.prove(values);
  }

  // The same in the shape a trained model is in: rounded to float.
  Model model() const {
    std::vector<float> rounded(values.begin(), values.end());
    scale_to_proved_bound(flow.layout(), rounded);
    return Model(config, rounded);
  }

  FlowConfig config;
  Flow<double> flow;
  std::vector<double> values;
  FlowCertificate certificate;
};

// ln |det| of a d x d matrix given row-major: Gaussian elimination with row pivots.
inline double log_abs_det(std::vector<double> a, std::size_t d) {
  double sum = 0;
  for (std::size_t k = 0; k < d; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < d; ++i) {
      if (std::fabs(a[i * d + k]) > std::fabs(a[pivot * d + k])) pivot = i;
    }
    for (std::size_t j = 0; j < d; ++j) std::swap(a[k * d + j], a[pivot * d + j]);
    sum += std::log(std::fabs(a[k * d + k]));
    for (std::size_t i = k + 1; i < d; ++i) {
      const double factor = a[i * d + k] / a[k * d + k];
      for (std::size_t j = k; j < d; ++j) a[i * d + j] -= factor * a[k * d + j];
    }
  }
  return sum;
}

// ln |det| of the Jacobian of f at x by differences of four points. f takes and returns d numbers.
template <class F>
double numerical_log_det(const F& f, const std::vector<double>& x, double h = 1e-3) {
  const std::size_t d = x.size();
  std::vector<double> jacobian(d * d);
  for (std::size_t j = 0; j < d; ++j) {
    const auto at = [&](double s) {
      std::vector<double> moved = x;
      moved[j] += s;
      return f(moved);
    };
    const auto a = at(h), b = at(-h), c = at(2 * h), e = at(-2 * h);
    for (std::size_t i = 0; i < d; ++i) {
      jacobian[i * d + j] = (8 * (a[i] - b[i]) - (c[i] - e[i])) / (12 * h);
    }
  }
  return log_abs_det(jacobian, d);
}

}  // namespace iflow
