// How well a model has each column's distribution: the probability integral transform u = F(x), F
// the model's marginal distribution function, is uniform on [0, 1] where it is right. F has no
// closed form; it is that of kMarginalSamples rows sampled from the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/flow_model.h"

namespace iflow {

inline constexpr std::size_t kMarginalSamples = 10000;

struct MarginalFit {
  double mean;         // of u; of a uniform: 0.5
  double deviation;    // of a uniform: 0.2887; less where the model is too wide
  double ks_distance;  // Kolmogorov-Smirnov: sup |F_n - F|, F_n of the data
  double ks_critical;  // that two samples of one distribution exceed with a chance of 5 %
};

struct Marginals {
  std::vector<MarginalFit> columns;
  std::size_t unconverged = 0;  // samples that did not meet the inverse's tolerance
};

// x: the columns of the data, each of n > 0 numbers, as the flow sees them. Samples are keyed by
// `seed`. Those of a conditional model are drawn at the conditions (n, c), one after the other.
Marginals marginals_of(const Model& model, const std::vector<std::vector<double>>& x,
                       const std::vector<double>& conditions, std::uint64_t seed);

// Of numbers against sorted samples of the model; ties count half.
MarginalFit marginal_fit(std::vector<double> x, std::span<const double> sorted_samples);

}  // namespace iflow
