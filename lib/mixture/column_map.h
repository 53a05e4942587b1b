// Learning the monotone map of a column: u = Phi^-1(F(x)), F a mixture of Gaussians and one broad
// one, which keeps the tails as wide as its own. It straightens columns that are skewed, heavy in
// the tails, zero-inflated or on a lattice.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mixture/gaussian_mixture.h"

namespace iflow {

// F of one column. No components: the column is left as it is.
struct ColumnMixture {
  std::vector<double> log_weights, means, deviations;

  bool identity() const { return log_weights.empty(); }

  // The numbers by name. (flow/layer_config.h)
  static void fields(auto& f, auto& c) {
    f("log_weights", c.log_weights);
    f("means", c.means);
    f("deviations", c.deviations);
  }
};

// F as a mixture of one dimension. Not of the identity.
GaussianMixture mixture_of(const ColumnMixture& column);

// How F is learned: so many components, whose variances are drawn towards `variance`, a part of the
// column's own.
struct ColumnCandidate {
  std::size_t components = 1;
  double variance = 1;
};

// All that are tried: the plain Gaussian, which stands for the identity, first; 2, 3, 4, 6, 9, 14
// components with .3, .03, .003 each.
std::vector<ColumnCandidate> column_candidates();

// F of a standardised column x (n), weighted, by 100 steps of expectation and maximisation from its
// quantiles: variances (S + 4 tau) / (n_k + 4), weights with half a pseudo-row; then a Gaussian of
// 4 standard deviations with weight 1 / (n + 2), n the sum of the weights. weights > 0: (n)
ColumnMixture fit_column(std::span<const double> x, std::span<const double> weights,
                         const ColumnCandidate& candidate);

// The candidate whose rows' held-out log-densities, log_p[candidate] (n) each, have the best
// weighted mean; the first one unless that is better by a standard error of the paired difference.
// Rows with `counted` false are not looked at.
std::size_t choose_column(const std::vector<std::vector<double>>& log_p,
                          std::span<const double> weights, const std::vector<bool>& counted);

}  // namespace iflow
