#include "fit/shrinkage.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mean_and_error.h"
#include "baselines/gaussian.h"

namespace iflow {

namespace {

struct Correlations {
  Eigen::MatrixXd s;
  double shrinkage;  // Ledoit and Wolf's, in [0, 1]
};

Correlations correlations(std::span<const double> standardised, std::size_t dimension,
                          RowWeights weights) {
  const auto d = static_cast<Eigen::Index>(dimension);
  const auto n = static_cast<Eigen::Index>(standardised.size() / dimension);
  // S, and the sum over rows of ||x x^T - S||^2 = sum ||x||^4 - n ||S||^2
  Eigen::MatrixXd s = Eigen::MatrixXd::Zero(d, d);
  double fourth = 0, total = 0;
  for (Eigen::Index row = 0; row < n; ++row) {
    const Eigen::Map<const Eigen::VectorXd> x(standardised.data() + row * d, d);
    const double weight = weight_of(weights, static_cast<std::size_t>(row));
    s.selfadjointView<Eigen::Lower>().rankUpdate(x, weight);
    fourth += weight * std::pow(x.squaredNorm(), 2);
    total += weight;
  }
  const double count = weights.empty() ? static_cast<double>(n) : effective_rows(weights);
  s = Eigen::MatrixXd(s.selfadjointView<Eigen::Lower>()) / total;
  const double scale = s.trace() / static_cast<double>(d);
  const double noise = (fourth / total - s.squaredNorm()) / count;
  const double spread = (s - scale * Eigen::MatrixXd::Identity(d, d)).squaredNorm();
  return {s, spread > 0 ? std::clamp(noise / spread, 0.0, 1.0) : 1};
}

// N(0, the correlations shrunk by so much); singular where they are.
Gaussian shrunk(const Eigen::MatrixXd& s, double shrinkage) {
  const Eigen::Index d = s.rows();
  const double scale = s.trace() / static_cast<double>(d);
  const Eigen::MatrixXd c =
      (1 - shrinkage) * s + shrinkage * scale * Eigen::MatrixXd::Identity(d, d);
  return {std::vector<double>(static_cast<std::size_t>(d), 0), {c.data(), c.data() + c.size()}};
}

bool is_singular(const Gaussian& gaussian) {
  return !gaussian_problem(gaussian, gaussian.mean.size()).empty();
}

// Whether the rows' mean log-density rises by more than two standard errors.
bool is_gain(const std::vector<double>& before, const std::vector<double>& after,
             RowWeights weights) {
  std::vector<double> gain(before.size());
  for (std::size_t i = 0; i < gain.size(); ++i) gain[i] = after[i] - before[i];
  const MeanAndError mean = mean_and_error(gain, weights);
  return mean.mean > 2 * mean.standard_error;
}

WhitenConfig factor_of(const Gaussian& gaussian) {
  const auto d = static_cast<Eigen::Index>(gaussian.mean.size());
  const Eigen::MatrixXd l =
      Eigen::Map<const Eigen::MatrixXd>(gaussian.covariance.data(), d, d).llt().matrixL();
  WhitenConfig config;
  for (Eigen::Index i = 0; i < d; ++i) {
    for (Eigen::Index j = 0; j < d; ++j) config.factor.push_back(l(i, j));
  }
  return config;
}

}  // namespace

WhitenConfig shrunk_correlations(std::span<const double> standardised, std::size_t dimension,
                                 RowWeights weights, std::span<const double> held_out,
                                 RowWeights held_out_weights) {
  constexpr int kTenths = 12;
  const Correlations c = correlations(standardised, dimension, weights);
  Gaussian best = shrunk(c.s, c.shrinkage);
  if (is_singular(best)) {
    throw NumericError(
        "the columns' correlations are singular: one is a linear function of others");
  }
  if (held_out.size() <= dimension) return factor_of(best);  // one row has no standard error
  std::vector<double> best_log_p = log_density(best, held_out);
  for (int k = 1; k <= kTenths + 1; ++k) {
    Gaussian less = shrunk(c.s, k <= kTenths ? c.shrinkage * std::pow(10, -k) : 0);
    if (is_singular(less)) break;
    std::vector<double> log_p = log_density(less, held_out);
    if (!is_gain(best_log_p, log_p, held_out_weights)) continue;
    best = std::move(less);
    best_log_p = std::move(log_p);
  }
  return factor_of(best);
}

}  // namespace iflow
