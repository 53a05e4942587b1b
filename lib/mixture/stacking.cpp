#include "mixture/stacking.h"

#include <algorithm>
#include <cmath>

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kSteps = 300;
constexpr double kLeastWeight = 0.01;
constexpr double kPriorRows = 1;

// Densities (n, candidates), each row in units of its largest; none is quite zero, so that any
// candidates can be left out.
MatrixXd relative_densities(const MatrixXd& log_p) {
  const VectorXd top = log_p.rowwise().maxCoeff();
  return (log_p.colwise() - top).array().exp().max(1e-300).matrix();
}

// Expectation and maximisation from equal weights of the candidates that are `kept`.
VectorXd maximise(const MatrixXd& densities, const VectorXd& weights,
                  const std::vector<bool>& kept) {
  const auto count = static_cast<double>(std::count(kept.begin(), kept.end(), true));
  VectorXd w(densities.cols());
  for (Index m = 0; m < w.size(); ++m) w(m) = kept[static_cast<std::size_t>(m)] ? 1 / count : 0;
  const VectorXd prior = kPriorRows * w;
  const double total = weights.sum() + kPriorRows;
  for (int step = 0; step < kSteps; ++step) {
    const VectorXd shares = weights.cwiseQuotient(densities * w);
    w = (w.cwiseProduct(densities.transpose() * shares) + prior) / total;
  }
  return w;
}

// Those that stay: wide ones, others of .01 at least, of kernels the heaviest.
std::vector<bool> kept_by(const VectorXd& w, const std::vector<StackRole>& roles,
                          std::size_t kernels_kept) {
  std::vector<bool> kept(roles.size());
  std::vector<std::size_t> kernels;
  for (std::size_t m = 0; m < roles.size(); ++m) {
    kept[m] = roles[m] == StackRole::kWide || w(static_cast<Index>(m)) >= kLeastWeight;
    if (kept[m] && roles[m] == StackRole::kKernels) kernels.push_back(m);
  }
  std::stable_sort(kernels.begin(), kernels.end(), [&](std::size_t a, std::size_t b) {
    return w(static_cast<Index>(a)) > w(static_cast<Index>(b));
  });
  for (std::size_t i = kernels_kept; i < kernels.size(); ++i) kept[kernels[i]] = false;
  if (std::none_of(kept.begin(), kept.end(), [](bool k) { return k; })) {
    Index best = 0;
    w.maxCoeff(&best);
    kept[static_cast<std::size_t>(best)] = true;
  }
  return kept;
}

// Raises wide ones to their share of `wide_weight`.
void keep_wide(VectorXd& w, const std::vector<StackRole>& roles, double wide_weight) {
  const auto wide = static_cast<double>(std::count(roles.begin(), roles.end(), StackRole::kWide));
  for (std::size_t m = 0; m < roles.size(); ++m) {
    double& wm = w(static_cast<Index>(m));
    if (roles[m] == StackRole::kWide) wm = std::max(wm, wide_weight / wide);
  }
  w /= w.sum();
}

}  // namespace

VectorXd stacking_weights(const MatrixXd& log_p, const VectorXd& weights,
                          const std::vector<StackRole>& roles, const StackingOptions& options) {
  const MatrixXd densities = relative_densities(log_p);
  const VectorXd all = maximise(densities, weights, std::vector<bool>(roles.size(), true));
  VectorXd w = maximise(densities, weights, kept_by(all, roles, options.kernels_kept));
  keep_wide(w, roles, options.wide_weight);
  return w;
}

VectorXd stacked_log_density(const MatrixXd& log_p, const VectorXd& weights) {
  const MatrixXd joint = log_p.rowwise() + weights.array().log().matrix().transpose();
  const VectorXd top = joint.rowwise().maxCoeff();
  return top.array() + (joint.colwise() - top).array().exp().rowwise().sum().log();
}

}  // namespace iflow
