// Mixtures of Gaussians by expectation and maximisation of a posterior: every covariance is drawn
// towards a target T, Sigma_k = (S_k + nu T) / (n_k + nu), S_k the scatter and n_k the weight of
// the rows that component k answers for. (Dempster, Laird, Rubin, "Maximum likelihood from
// incomplete data via the EM algorithm", 1977; Fraley, Raftery, "Bayesian regularization for normal
// mixture estimation and model-based clustering", J. Classification 24, 2007)
#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "mixture/gaussian_mixture.h"

namespace iflow {

// What covariances are drawn towards, and how strongly.
struct CovariancePrior {
  // kPooled: the covariance within components, itself with d + 2 rows of variance `variance`.
  // kIdentity: variance times the identity.
  enum class Target { kPooled, kIdentity };
  Target target = Target::kPooled;
  double strength = 2;  // nu, in rows; infinite: all components share T
  double variance = 0.1;

  bool operator==(const CovariancePrior&) const = default;
};

// Rows to learn from, with the features (y_i y_j for i <= j, y, 1) that the expectation and the
// maximisation are matrix products with.
struct EmRows {
  Eigen::MatrixXd rows;      // (n, d)
  Eigen::VectorXd weights;   // (n), the rows' own
  Eigen::MatrixXd features;  // (n, d (d + 1) / 2 + d + 1)

  EmRows(Eigen::MatrixXd rows, Eigen::VectorXd weights);
};

// A first assignment of rows (n, d) to k components, in any space: greedy k-means++ with three
// candidates for each centre, drawn by (seed, key), and eight steps of Lloyd's algorithm. (Arthur,
// Vassilvitskii, "k-means++", SODA 2007)
std::vector<std::size_t> cluster(const Eigen::MatrixXd& rows, const Eigen::VectorXd& weights,
                                 std::size_t k, std::uint64_t seed, std::uint64_t key);

struct EmOptions {
  CovariancePrior prior;
  std::size_t components = 1;
  int steps = 80;  // at most; fewer where they gain less than 1e-4 nats a row
};

struct EmResult {
  GaussianMixture mixture;
  double log_likelihood = -std::numeric_limits<double>::infinity();  // mean over the rows, weighted
};

// assignment: (n), of `cluster`. Weights of components are (n_k + 1/2) / (n + K/2).
// Throws NumericError where a covariance is not positive definite.
EmResult map_em(const EmRows& rows, const std::vector<std::size_t>& assignment,
                const EmOptions& options);

}  // namespace iflow
