#include "baselines/gaussian.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"

namespace iflow {

namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::LLT<RowMajor> factor(const Gaussian& gaussian) {
  const auto d = static_cast<Eigen::Index>(gaussian.mean.size());
  return RowMajor(Eigen::Map<const RowMajor>(gaussian.covariance.data(), d, d)).llt();
}

}  // namespace

Gaussian fit_gaussian(std::span<const double> rows, std::size_t dimension, RowWeights weights) {
  const auto d = static_cast<Eigen::Index>(dimension);
  const auto n = static_cast<Eigen::Index>(rows.size() / dimension);
  const Eigen::Map<const RowMajor> x(rows.data(), n, d);
  const Eigen::VectorXd w =
      weights.empty() ? Eigen::VectorXd::Ones(n)
                      : Eigen::VectorXd(Eigen::Map<const Eigen::VectorXd>(weights.data(), n));
  const double total = w.sum();
  const Eigen::RowVectorXd mean = (x.transpose() * w / total).transpose();
  RowMajor covariance = RowMajor::Zero(d, d);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Eigen::RowVectorXd r = x.row(i) - mean;
    covariance.noalias() += w(i) * r.transpose() * r;
  }
  covariance /= total;
  Gaussian gaussian{{mean.data(), mean.data() + d}, {covariance.data(), covariance.data() + d * d}};
  for (Eigen::Index i = 0; i < d; ++i) {
    if (!(covariance(i, i) > 0)) {
      throw DataError("column " + std::to_string(i + 1) + " is the same number in every row");
    }
  }
  const Eigen::VectorXd scale = covariance.diagonal().cwiseSqrt();
  const RowMajor correlation =
      scale.cwiseInverse().asDiagonal() * covariance * scale.cwiseInverse().asDiagonal();
  const Eigen::LLT<RowMajor> llt(correlation);
  const bool singular =
      llt.info() != Eigen::Success || llt.matrixLLT().diagonal().minCoeff() < 1e-7;
  if (singular) {
    throw DataError(
        "the covariance of the columns is singular: some column is a linear function of others");
  }
  return gaussian;
}

std::string gaussian_problem(const Gaussian& gaussian, std::size_t dimension) {
  const std::size_t d = dimension;
  if (gaussian.mean.size() != d || gaussian.covariance.size() != d * d) {
    return "a mean of " + std::to_string(gaussian.mean.size()) + " and a covariance of " +
           std::to_string(gaussian.covariance.size()) + " numbers, for " + std::to_string(d) +
           " columns";
  }
  const auto entry = [&](std::size_t i, std::size_t j) { return gaussian.covariance[i * d + j]; };
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double size = std::sqrt(std::fabs(entry(i, i) * entry(j, j)));
      if (std::fabs(entry(i, j) - entry(j, i)) > 1e-9 * size) {
        return "the covariance is not symmetric";
      }
    }
  }
  if (factor(gaussian).info() != Eigen::Success) return "the covariance is not positive definite";
  return {};
}

std::vector<double> log_density(const Gaussian& gaussian, std::span<const double> rows) {
  const std::size_t d = gaussian.mean.size(), n = rows.size() / d;
  const Eigen::LLT<RowMajor> llt = factor(gaussian);
  const auto size = static_cast<Eigen::Index>(d);
  const Eigen::Map<const Eigen::VectorXd> mean(gaussian.mean.data(), size);
  double constant = -0.5 * static_cast<double>(d) * std::log(2 * std::numbers::pi);
  for (Eigen::Index i = 0; i < size; ++i) constant -= std::log(llt.matrixLLT()(i, i));
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Eigen::Map<const Eigen::VectorXd> x(rows.data() + i * d, size);
    const Eigen::VectorXd white = llt.matrixL().solve(x - mean);
    result[i] = constant - 0.5 * white.squaredNorm();
  }
  return result;
}

}  // namespace iflow
