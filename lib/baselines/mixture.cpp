#include "baselines/mixture.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/parallel.h"
#include "base/rng.h"

namespace iflow {

namespace {

constexpr double kRegularisation = 1e-5;  // of a standardised column's variance
constexpr int kMaxSteps = 100;
constexpr double kLeastGain = 1e-3;  // nats per row that another step must bring

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// One component as the E step needs it; columns of a matrix are rows of data.
struct Component {
  double weight = 1;
  VectorXd mean;
  MatrixXd covariance;

  // ln (weight N(x; mean, covariance)) of every row.
  VectorXd log_joint(const MatrixXd& x) const {
    const Eigen::LLT<MatrixXd> llt(covariance);
    const MatrixXd white = llt.matrixL().solve(x.colwise() - mean);
    const double constant = std::log(weight) -
                            MatrixXd(llt.matrixL()).diagonal().array().log().sum() -
                            0.5 * static_cast<double>(mean.size()) * std::log(2 * std::numbers::pi);
    return (constant - 0.5 * white.colwise().squaredNorm().array()).matrix();
  }
};

// ln sum exp over the columns of (n, k).
VectorXd log_sum_exp(const MatrixXd& joint) {
  const VectorXd top = joint.rowwise().maxCoeff();
  return top.array() + (joint.colwise() - top).array().exp().rowwise().sum().log();
}

MatrixXd log_joint(const std::vector<Component>& components, const MatrixXd& x) {
  MatrixXd joint(x.cols(), static_cast<Index>(components.size()));
  for (std::size_t k = 0; k < components.size(); ++k) {
    joint.col(static_cast<Index>(k)) = components[k].log_joint(x);
  }
  return joint;
}

// The components that the responsibilities for the rows (n, k), times the rows' weights, make
// likeliest.
std::vector<Component> maximise(const MatrixXd& x, const MatrixXd& responsibility) {
  std::vector<Component> components;
  for (Index k = 0; k < responsibility.cols(); ++k) {
    const VectorXd r = responsibility.col(k);
    const double total = r.sum() + 10 * std::numeric_limits<double>::epsilon();
    Component c;
    c.weight = total / responsibility.sum();
    c.mean = x * r / total;
    const MatrixXd centred = x.colwise() - c.mean;
    c.covariance = centred * r.asDiagonal() * centred.transpose() / total;
    c.covariance.diagonal().array() += kRegularisation;
    components.push_back(std::move(c));
  }
  return components;
}

// k-means++: every centre a row, drawn with its weight times the squared distance to the nearest
// centre before.
MatrixXd first_responsibilities(const MatrixXd& x, const VectorXd& weights, std::size_t k,
                                std::uint64_t seed) {
  Rng rng(seed, RngPurpose::kBaseline, k);
  const Index n = x.cols();
  VectorXd nearest = VectorXd::Constant(n, std::numeric_limits<double>::infinity());
  std::vector<Index> owner(static_cast<std::size_t>(n), 0);
  Index centre = static_cast<Index>(rng.below(static_cast<std::uint64_t>(n)));
  for (std::size_t c = 0; c < k; ++c) {
    const VectorXd squares = (x.colwise() - x.col(centre)).colwise().squaredNorm();
    for (Index i = 0; i < n; ++i) {
      if (squares(i) >= nearest(i)) continue;
      nearest(i) = squares(i);
      owner[static_cast<std::size_t>(i)] = static_cast<Index>(c);
    }
    double left = rng.uniform() * nearest.dot(weights);
    centre = 0;
    while (centre + 1 < n && (left -= nearest(centre) * weights(centre)) >= 0) ++centre;
  }
  MatrixXd responsibility = MatrixXd::Zero(n, static_cast<Index>(k));
  for (Index i = 0; i < n; ++i) responsibility(i, owner[static_cast<std::size_t>(i)]) = 1;
  return responsibility;
}

struct Candidate {
  std::vector<Component> components;
  double bic = std::numeric_limits<double>::infinity();
};

// weights: of the rows, with sum 1.
Candidate fit_components(const MatrixXd& x, const VectorXd& weights, std::size_t k,
                         std::uint64_t seed) {
  const double n = 1 / weights.squaredNorm(), d = static_cast<double>(x.rows());
  Candidate fitted;
  const auto scaled = static_cast<double>(x.cols()) * weights;
  fitted.components =
      maximise(x, scaled.asDiagonal() * first_responsibilities(x, weights, k, seed));
  double likelihood = -std::numeric_limits<double>::infinity();
  for (int step = 0; step < kMaxSteps; ++step) {
    MatrixXd joint = log_joint(fitted.components, x);
    const VectorXd log_p = log_sum_exp(joint);
    const double mean = weights.dot(log_p);
    const bool settled = mean - likelihood < kLeastGain;
    likelihood = mean;
    if (settled) break;
    joint.colwise() -= log_p;
    fitted.components = maximise(x, scaled.asDiagonal() * joint.array().exp().matrix());
  }
  const double free = static_cast<double>(k) * (1 + d + d * (d + 1) / 2) - 1;
  fitted.bic =
      free * std::log(n) - 2 * n * weights.dot(log_sum_exp(log_joint(fitted.components, x)));
  return fitted;
}

}  // namespace

Mixture fit_mixture(std::span<const double> rows, std::size_t dimension, std::uint64_t seed,
                    RowWeights weights) {
  const std::size_t all = rows.size() / dimension, n = std::min(all, kMixtureRows);
  const auto d = static_cast<Index>(dimension);
  MatrixXd x(d, static_cast<Index>(n));
  VectorXd w(static_cast<Index>(n));
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = rows.data() + i * all / n * dimension;
    w(static_cast<Index>(i)) = weight_of(weights, i * all / n);
    for (Index j = 0; j < d; ++j) x(j, static_cast<Index>(i)) = row[j];
  }
  w /= w.sum();
  const VectorXd mean = x * w;
  x.colwise() -= mean;
  const VectorXd deviation = (x.cwiseAbs2() * w).cwiseSqrt();
  x.array().colwise() /= deviation.array();

  constexpr std::size_t kCounts[] = {1, 2, 3, 5, 8, 12, 20, 30};
  std::vector<Candidate> candidates(std::size(kCounts));
  parallel_for(candidates.size(), [&](std::size_t i) {
    const bool enough_rows = kCounts[i] * 2 * dimension <= n;
    if (i == 0 || enough_rows) candidates[i] = fit_components(x, w, kCounts[i], seed);
  });
  const Candidate& best =
      *std::min_element(candidates.begin(), candidates.end(),
                        [](const Candidate& a, const Candidate& b) { return a.bic < b.bic; });
  Mixture mixture;
  double total = 0;
  for (const Component& c : best.components) total += c.weight;
  for (const Component& c : best.components) {
    mixture.weights.push_back(c.weight / total);
    const VectorXd centre = mean + deviation.cwiseProduct(c.mean);
    const MatrixXd covariance = deviation.asDiagonal() * c.covariance * deviation.asDiagonal();
    mixture.components.push_back(
        {{centre.data(), centre.data() + d}, {covariance.data(), covariance.data() + d * d}});
  }
  return mixture;
}

std::vector<double> log_density(const Mixture& mixture, std::span<const double> rows) {
  std::vector<double> result;
  for (std::size_t k = 0; k < mixture.weights.size(); ++k) {
    const std::vector<double> log_p = log_density(mixture.components[k], rows);
    const double log_weight = std::log(mixture.weights[k]);
    if (k == 0) result.assign(log_p.size(), -std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < log_p.size(); ++i) {
      const double a = result[i], b = log_weight + log_p[i], top = std::max(a, b);
      if (std::isinf(top)) continue;
      result[i] = top + std::log1p(std::exp(std::min(a, b) - top));
    }
  }
  return result;
}

}  // namespace iflow
