#include "mixture/gaussian_mixture.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "mixture/lane_mixture.h"

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstRows = Eigen::Map<const RowMajor>;

ConstRows matrix(std::span<const double> values, std::size_t rows, std::size_t columns) {
  return {values.data(), static_cast<Index>(rows), static_cast<Index>(columns)};
}

std::vector<double> numbers(const RowMajor& m) { return {m.data(), m.data() + m.size()}; }

void check_family(const GaussianFamily& family, std::size_t d) {
  if (family.factor.size() != d * d || family.log_weights.empty() ||
      family.means.size() != family.log_weights.size() * d) {
    throw UsageError("mixture: shapes of a family do not fit together");
  }
  for (std::size_t i = 0; i < d; ++i) {
    const double* row = family.factor.data() + i * d;
    if (!(row[i] > 0)) throw UsageError("mixture: the factor's diagonal must be positive");
    if (std::any_of(row + i + 1, row + d, [](double v) { return v != 0; })) {
      throw UsageError("mixture: the factor must be lower triangular");
    }
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::all_of(family.factor.begin(), family.factor.end(), finite) ||
      !std::all_of(family.log_weights.begin(), family.log_weights.end(), finite) ||
      !std::all_of(family.means.begin(), family.means.end(), finite)) {
    throw UsageError("mixture: a number is not finite");
  }
}

}  // namespace

std::size_t GaussianMixture::components() const {
  std::size_t count = 0;
  for (const GaussianFamily& family : families) count += family.log_weights.size();
  return count;
}

void check(const GaussianMixture& mixture) {
  constexpr std::size_t kMost = std::size_t{1} << 16;  // whose square does not overflow
  if (mixture.dimension == 0 || mixture.dimension > kMost) {
    throw UsageError("mixture: its dimension must be from 1 to 65536");
  }
  double sum = 0;
  for (const GaussianFamily& family : mixture.families) {
    check_family(family, mixture.dimension);
    for (const double log_weight : family.log_weights) sum += std::exp(log_weight);
  }
  if (!(std::fabs(sum - 1) < 1e-6)) throw UsageError("mixture: the weights must add up to 1");
}

std::vector<double> precision_factor(std::span<const double> covariance, std::size_t dimension) {
  const Eigen::LLT<MatrixXd> llt(matrix(covariance, dimension, dimension));
  if (llt.info() != Eigen::Success) {
    throw NumericError("mixture: a covariance is not positive definite");
  }
  const auto d = static_cast<Index>(dimension);
  const MatrixXd factor = llt.matrixL().solve(MatrixXd::Identity(d, d));
  return numbers(factor.triangularView<Eigen::Lower>());
}

std::vector<double> covariance_of(const GaussianFamily& family, std::size_t dimension) {
  const auto d = static_cast<Index>(dimension);
  const MatrixXd factor = matrix(family.factor, dimension, dimension);
  const MatrixXd l = factor.triangularView<Eigen::Lower>().solve(MatrixXd::Identity(d, d));
  return numbers(l * l.transpose());
}

std::vector<double> log_density(const GaussianMixture& mixture, std::span<const double> rows) {
  const LaneMixture lanes(mixture);
  return lanes.log_density(rows);
}

GaussianMixture marginal(const GaussianMixture& mixture, std::span<const std::size_t> columns) {
  const std::size_t d = mixture.dimension, m = columns.size();
  GaussianMixture result{m, {}};
  for (const GaussianFamily& family : mixture.families) {
    const std::vector<double> all = covariance_of(family, d);
    std::vector<double> covariance;
    for (const std::size_t i : columns) {
      for (const std::size_t j : columns) covariance.push_back(all[i * d + j]);
    }
    GaussianFamily part{precision_factor(covariance, m), family.log_weights, {}};
    for (std::size_t k = 0; k < family.log_weights.size(); ++k) {
      for (const std::size_t j : columns) part.means.push_back(family.means[k * d + j]);
    }
    result.families.push_back(std::move(part));
  }
  return result;
}

// With x = (a, b) and R = (R_a, 0; R_ba, R_b): e = R (x - mu) has e_b = R_b (b - mu_b - shift),
// shift = -R_b^-1 R_ba (a - mu_a). The weights are those of the leading columns' mixture.
GaussianMixture conditional(const GaussianMixture& mixture, std::span<const double> given) {
  const std::size_t d = mixture.dimension, a = given.size(), b = d - a;
  const auto da = static_cast<Index>(a), db = static_cast<Index>(b);
  const VectorXd x = Eigen::Map<const VectorXd>(given.data(), da);
  GaussianMixture result{b, {}};
  double top = -std::numeric_limits<double>::infinity();
  for (const GaussianFamily& family : mixture.families) {
    const MatrixXd r = matrix(family.factor, d, d);
    const MatrixXd r_b = r.bottomRightCorner(db, db);
    GaussianFamily part{numbers(r_b), {}, {}};
    const double log_scale = r.diagonal().head(da).array().log().sum();
    for (std::size_t k = 0; k < family.log_weights.size(); ++k) {
      const Eigen::Map<const VectorXd> mean(family.means.data() + k * d, static_cast<Index>(d));
      const VectorXd off = x - mean.head(da);
      const VectorXd e = r.topLeftCorner(da, da) * off;
      const VectorXd mean_b = mean.tail(db) - r_b.triangularView<Eigen::Lower>().solve(
                                                  r.bottomLeftCorner(db, da) * off);
      part.log_weights.push_back(family.log_weights[k] + log_scale - 0.5 * e.squaredNorm());
      part.means.insert(part.means.end(), mean_b.data(), mean_b.data() + db);
      top = std::max(top, part.log_weights.back());
    }
    result.families.push_back(std::move(part));
  }
  double sum = 0;
  for (const GaussianFamily& family : result.families) {
    for (const double log_weight : family.log_weights) sum += std::exp(log_weight - top);
  }
  for (GaussianFamily& family : result.families) {
    for (double& log_weight : family.log_weights) log_weight -= top + std::log(sum);
  }
  return result;
}

std::vector<double> draw(const GaussianMixture& mixture, Rng& rng) {
  const std::size_t d = mixture.dimension;
  double left = rng.uniform();
  const GaussianFamily* family = &mixture.families.back();
  std::size_t k = family->log_weights.size() - 1;
  for (const GaussianFamily& candidate : mixture.families) {
    bool found = false;
    for (std::size_t c = 0; c < candidate.log_weights.size() && !found; ++c) {
      left -= std::exp(candidate.log_weights[c]);
      found = left < 0;
      if (found) family = &candidate, k = c;
    }
    if (found) break;
  }
  VectorXd e(static_cast<Index>(d));
  for (double& v : e) v = rng.normal();
  const MatrixXd r = matrix(family->factor, d, d);
  VectorXd x = r.triangularView<Eigen::Lower>().solve(e);
  x += Eigen::Map<const VectorXd>(family->means.data() + k * d, static_cast<Index>(d));
  return {x.data(), x.data() + x.size()};
}

}  // namespace iflow
