#include "mixture/column_map.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/normal.h"

namespace iflow {

namespace {

using Eigen::ArrayXd;
using Eigen::ArrayXXd;
using Eigen::Index;

constexpr int kSteps = 100;
constexpr double kStrength = 4;      // rows that draw a variance to its target
constexpr double kPseudoRows = 0.5;  // that each component's weight begins with
constexpr double kBroad = 4;         // standard deviations of the broad Gaussian

// Quantiles (k + 1/2) / K of weighted numbers.
ArrayXd quantiles(const ArrayXd& x, const ArrayXd& weights, Index count) {
  std::vector<Index> order(static_cast<std::size_t>(x.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return x(a) < x(b); });
  const double total = weights.sum();
  ArrayXd result(count);
  std::size_t at = 0;
  double below = weights(order[0]);
  for (Index k = 0; k < count; ++k) {
    const double wanted = (static_cast<double>(k) + 0.5) / static_cast<double>(count) * total;
    while (below < wanted && at + 1 < order.size()) below += weights(order[++at]);
    result(k) = x(order[at]);
  }
  return result;
}

}  // namespace

GaussianMixture mixture_of(const ColumnMixture& column) {
  GaussianMixture mixture{1, {}};
  for (std::size_t k = 0; k < column.log_weights.size(); ++k) {
    mixture.families.push_back(
        {{1 / column.deviations[k]}, {column.log_weights[k]}, {column.means[k]}});
  }
  return mixture;
}

std::vector<ColumnCandidate> column_candidates() {
  std::vector<ColumnCandidate> candidates = {{}};
  for (const std::size_t components : {2, 3, 4, 6, 9, 14}) {
    for (const double variance : {0.3, 0.03, 0.003}) candidates.push_back({components, variance});
  }
  return candidates;
}

ColumnMixture fit_column(std::span<const double> from, std::span<const double> row_weights,
                         const ColumnCandidate& candidate) {
  const auto n = static_cast<Index>(from.size());
  const auto count = static_cast<Index>(candidate.components);
  const ArrayXd x = Eigen::Map<const ArrayXd>(from.data(), n);
  const ArrayXd weights = Eigen::Map<const ArrayXd>(row_weights.data(), n);
  const double total = weights.sum(), components = static_cast<double>(count);
  const double target = kStrength * candidate.variance;
  ArrayXd mean = quantiles(x, weights, count), w = ArrayXd::Constant(count, 1 / components);
  ArrayXd variance =
      ArrayXd::Constant(count, std::max(1 / (components * components), candidate.variance));
  ArrayXXd shares(n, count);
  for (int step = 0; step < kSteps; ++step) {
    for (Index k = 0; k < count; ++k) {
      shares.col(k) = std::log(w(k)) - 0.5 * std::log(variance(k)) -
                      (x - mean(k)).square() * (0.5 / variance(k));
    }
    const ArrayXd top = shares.rowwise().maxCoeff();
    shares = (shares.colwise() - top).exp();
    const ArrayXd scale = weights / shares.rowwise().sum();
    for (Index k = 0; k < count; ++k) {
      const ArrayXd share = shares.col(k) * scale;
      const double own = share.sum();
      if (own > 1e-6) mean(k) = (share * x).sum() / own;
      variance(k) = ((share * (x - mean(k)).square()).sum() + target) / (own + kStrength);
      w(k) = (own + kPseudoRows) / (total + kPseudoRows * components);
    }
  }
  ColumnMixture column;
  const double broad = 1 / (total + 2);
  for (Index k = 0; k < count; ++k) {
    column.log_weights.push_back(std::log(w(k) * (1 - broad)));
    column.means.push_back(mean(k));
    column.deviations.push_back(std::sqrt(variance(k)));
  }
  column.log_weights.push_back(std::log(broad));
  column.means.push_back(0);
  column.deviations.push_back(kBroad);
  return column;
}

std::size_t choose_column(const std::vector<std::vector<double>>& log_p,
                          std::span<const double> weights, const std::vector<bool>& counted) {
  // Sums of w and w^2, and of w times the gain on the first candidate and its square.
  std::size_t best = 0;
  double best_gain = 0, best_error = 0;
  for (std::size_t c = 1; c < log_p.size(); ++c) {
    double total = 0, sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (!counted[i]) continue;
      total += weights[i];
      sum += weights[i] * (log_p[c][i] - log_p[0][i]);
    }
    const double gain = sum / total;
    if (!(gain > best_gain)) continue;
    double squares = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (!counted[i]) continue;
      const double off = weights[i] * (log_p[c][i] - log_p[0][i] - gain);
      squares += off * off;
    }
    best = c;
    best_gain = gain;
    best_error = std::sqrt(squares) / total;
  }
  return best_gain > best_error ? best : 0;
}

}  // namespace iflow
