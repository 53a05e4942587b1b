#include "mixture/map_em.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "kernels/normal.h"

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kPseudoRows = 0.5;  // that each component's weight begins with
constexpr double kLeastVariance = 1e-8;
constexpr double kLeastGain = 1e-4;
constexpr int kLeastSteps = 6;
constexpr int kCandidates = 3;
constexpr int kLloydSteps = 8;

// The components of one step.
struct Components {
  VectorXd weights;
  MatrixXd means;                     // (d, K)
  std::vector<MatrixXd> covariances;  // one for each component, or one for all

  const MatrixXd& covariance(Index k) const {
    return covariances[covariances.size() == 1 ? 0 : static_cast<std::size_t>(k)];
  }
};

// From the sums of features over the rows, each weighed by a component's share: (features, K).
Components maximise(const MatrixXd& sums, Index d, const CovariancePrior& prior) {
  const Index components = sums.cols(), squares = d * (d + 1) / 2;
  Components result{VectorXd(components), MatrixXd(d, components), {}};
  const VectorXd counts = sums.bottomRows(1).transpose();
  const double n = counts.sum();
  result.weights =
      (counts.array() + kPseudoRows) / (n + kPseudoRows * static_cast<double>(components));
  MatrixXd pooled = MatrixXd::Zero(d, d);
  for (Index k = 0; k < components; ++k) {
    result.means.col(k) = sums.col(k).segment(squares, d) / (counts(k) + 1e-9);
    MatrixXd scatter(d, d);
    Index feature = 0;
    for (Index i = 0; i < d; ++i) {
      for (Index j = i; j < d; ++j) {
        scatter(i, j) = sums(feature++, k) - counts(k) * result.means(i, k) * result.means(j, k);
        scatter(j, i) = scatter(i, j);
      }
    }
    pooled += scatter;
    result.covariances.push_back(std::move(scatter));
  }
  MatrixXd target = prior.variance * MatrixXd::Identity(d, d);
  if (prior.target == CovariancePrior::Target::kPooled) {
    const auto own = static_cast<double>(d + 2);
    target = (pooled + own * target) / (n + own);
  }
  if (std::isinf(prior.strength)) {
    result.covariances = {target};
  } else {
    for (Index k = 0; k < components; ++k) {
      MatrixXd& covariance = result.covariances[static_cast<std::size_t>(k)];
      covariance = (covariance + prior.strength * target) / (counts(k) + prior.strength);
    }
  }
  for (MatrixXd& covariance : result.covariances) covariance.diagonal().array() += kLeastVariance;
  return result;
}

// What the features are multiplied with for ln (w_k N(y; mu_k, Sigma_k)): (features, K).
MatrixXd log_joint_factors(const Components& components) {
  const Index d = components.means.rows(), k_count = components.means.cols();
  const Index squares = d * (d + 1) / 2;
  MatrixXd factors(squares + d + 1, k_count);
  MatrixXd precision;
  double half_log_det = 0;
  for (Index k = 0; k < k_count; ++k) {
    if (k == 0 || components.covariances.size() > 1) {
      const Eigen::LLT<MatrixXd> llt(components.covariance(k));
      if (llt.info() != Eigen::Success) {
        throw NumericError("mixture: a covariance is not positive definite");
      }
      precision = llt.solve(MatrixXd::Identity(d, d));
      half_log_det = MatrixXd(llt.matrixL()).diagonal().array().log().sum();
    }
    Index feature = 0;
    for (Index i = 0; i < d; ++i) {
      factors(feature++, k) = -0.5 * precision(i, i);
      for (Index j = i + 1; j < d; ++j) factors(feature++, k) = -precision(i, j);
    }
    const VectorXd linear = precision * components.means.col(k);
    factors.col(k).segment(squares, d) = linear;
    factors(squares + d, k) = std::log(components.weights(k)) - half_log_det -
                              static_cast<double>(d) * kernels::kHalfLogTwoPi -
                              0.5 * linear.dot(components.means.col(k));
  }
  return factors;
}

GaussianMixture mixture_of(const Components& components) {
  const auto d = static_cast<std::size_t>(components.means.rows());
  GaussianMixture mixture{d, {}};
  const std::size_t shared = components.covariances.size();
  for (std::size_t f = 0; f < shared; ++f) {
    const MatrixXd& covariance = components.covariances[f];
    GaussianFamily family;
    family.factor = precision_factor({covariance.data(), d * d}, d);
    const auto count = static_cast<std::size_t>(components.means.cols());
    for (std::size_t k = shared == 1 ? 0 : f; k < (shared == 1 ? count : f + 1); ++k) {
      const auto column = static_cast<Index>(k);
      family.log_weights.push_back(std::log(components.weights(column)));
      const double* mean = components.means.col(column).data();
      family.means.insert(family.means.end(), mean, mean + d);
    }
    mixture.families.push_back(std::move(family));
  }
  return mixture;
}

// Squared distances of all rows to one of them.
VectorXd distances(const MatrixXd& rows, Index to) {
  return (rows.rowwise() - rows.row(to)).rowwise().squaredNorm();
}

// A row, drawn by its weight.
Index draw_row(const VectorXd& weights, Rng& rng) {
  double left = rng.uniform() * weights.sum();
  Index row = 0;
  while (row + 1 < weights.size() && (left -= weights(row)) >= 0) ++row;
  return row;
}

// The centre nearest to every row. centres: (k, d)
std::vector<std::size_t> assign(const MatrixXd& rows, const MatrixXd& centres) {
  MatrixXd scores = -2 * rows * centres.transpose();
  scores.rowwise() += centres.rowwise().squaredNorm().transpose();
  std::vector<std::size_t> nearest(static_cast<std::size_t>(rows.rows()));
  for (Index i = 0; i < rows.rows(); ++i) {
    Index k = 0;
    scores.row(i).minCoeff(&k);
    nearest[static_cast<std::size_t>(i)] = static_cast<std::size_t>(k);
  }
  return nearest;
}

}  // namespace

EmRows::EmRows(MatrixXd from, VectorXd row_weights)
    : rows(std::move(from)), weights(std::move(row_weights)) {
  const Index d = rows.cols();
  features.resize(rows.rows(), d * (d + 1) / 2 + d + 1);
  Index feature = 0;
  for (Index i = 0; i < d; ++i) {
    for (Index j = i; j < d; ++j) {
      features.col(feature++) = rows.col(i).cwiseProduct(rows.col(j));
    }
  }
  features.middleCols(feature, d) = rows;
  features.rightCols(1).setOnes();
}

std::vector<std::size_t> cluster(const MatrixXd& rows, const VectorXd& weights, std::size_t k,
                                 std::uint64_t seed, std::uint64_t key) {
  Rng rng(seed, RngPurpose::kBaseline, key, static_cast<std::uint32_t>(k));
  const auto count = static_cast<Index>(k);
  MatrixXd centres(count, rows.cols());
  const Index first = draw_row(weights, rng);
  centres.row(0) = rows.row(first);
  VectorXd nearest = distances(rows, first);
  for (Index c = 1; c < count; ++c) {
    const VectorXd chances = nearest.cwiseProduct(weights);
    VectorXd best;
    for (int candidate = 0; candidate < kCandidates; ++candidate) {
      const Index row = draw_row(chances, rng);
      VectorXd closer = nearest.cwiseMin(distances(rows, row));
      if (candidate > 0 && closer.dot(weights) >= best.dot(weights)) continue;
      best = std::move(closer);
      centres.row(c) = rows.row(row);
    }
    nearest = std::move(best);
  }
  for (int step = 0; step < kLloydSteps; ++step) {
    const std::vector<std::size_t> owner = assign(rows, centres);
    MatrixXd sums = MatrixXd::Zero(count, rows.cols());
    VectorXd totals = VectorXd::Zero(count);
    for (Index i = 0; i < rows.rows(); ++i) {
      const auto c = static_cast<Index>(owner[static_cast<std::size_t>(i)]);
      sums.row(c) += weights(i) * rows.row(i);
      totals(c) += weights(i);
    }
    for (Index c = 0; c < count; ++c) {
      if (totals(c) > 0) centres.row(c) = sums.row(c) / totals(c);
    }
  }
  return assign(rows, centres);
}

EmResult map_em(const EmRows& rows, const std::vector<std::size_t>& assignment,
                const EmOptions& options) {
  const Index n = rows.rows.rows(), d = rows.rows.cols();
  const auto count = static_cast<Index>(options.components);
  MatrixXd shares = MatrixXd::Zero(n, count);
  for (Index i = 0; i < n; ++i) {
    shares(i, static_cast<Index>(assignment[static_cast<std::size_t>(i)])) = rows.weights(i);
  }
  const int steps = count > 1 ? options.steps : 1;
  const double total = rows.weights.sum();
  EmResult result;
  Components components;
  for (int step = 0; step < steps; ++step) {
    components = maximise(rows.features.transpose() * shares, d, options.prior);
    shares.noalias() = rows.features * log_joint_factors(components);
    const VectorXd top = shares.rowwise().maxCoeff();
    shares = (shares.colwise() - top).array().exp().matrix();
    const VectorXd sums = shares.rowwise().sum();
    const double likelihood = rows.weights.dot((top.array() + sums.array().log()).matrix()) / total;
    const bool settled =
        step + 1 >= kLeastSteps && std::fabs(likelihood - result.log_likelihood) < kLeastGain;
    result.log_likelihood = likelihood;
    if (settled) break;
    shares.array().colwise() *= rows.weights.array() / sums.array();
  }
  result.mixture = mixture_of(components);
  return result;
}

}  // namespace iflow
