// Stacked densities: candidates are weighed, never chosen, by the log-densities that they give rows
// they were not fitted to. (Smyth, Wolpert, "Stacked density estimation", NIPS 1997)
#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <vector>

namespace iflow {

// How a candidate is treated when weights are drawn up.
enum class StackRole {
  kOrdinary,  // dropped below .01
  kKernels,   // dropped below .01; at most `kernels_kept` of them stay
  kWide,      // kept whatever its weight: what a row far out costs
};

struct StackingOptions {
  std::size_t kernels_kept = 2;
  // The weight that all wide ones have together at least, spread evenly.
  double wide_weight = 0;
};

// The weights (candidates), sum 1, that maximise the rows' mean log-density, one row's prior spread
// evenly over the candidates, by expectation and maximisation.
// log_p: (n, candidates), held out; weights: (n) of the rows; roles: (candidates)
Eigen::VectorXd stacking_weights(const Eigen::MatrixXd& log_p, const Eigen::VectorXd& weights,
                                 const std::vector<StackRole>& roles,
                                 const StackingOptions& options);

// ln sum over the candidates of weights exp(log_p), (n).
Eigen::VectorXd stacked_log_density(const Eigen::MatrixXd& log_p, const Eigen::VectorXd& weights);

}  // namespace iflow
