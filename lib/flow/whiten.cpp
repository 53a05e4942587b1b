#include "flow/whiten.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/error.h"
#include "nn/branch_bounds.h"
#include "nn/lipschitz.h"

namespace iflow {

namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const RowMajor>;

Rows rows_of(std::span<const double> rows, std::size_t dimension) {
  return {rows.data(), static_cast<Eigen::Index>(rows.size() / dimension),
          static_cast<Eigen::Index>(dimension)};
}

struct Correlations {
  Eigen::MatrixXd s;
  double shrinkage;  // Ledoit and Wolf's, in [0, 1]
};

Correlations correlations(std::span<const double> standardised, std::size_t dimension,
                          RowWeights weights) {
  const Rows rows = rows_of(standardised, dimension);
  const Eigen::Index d = rows.cols();
  // S, and the sum over rows of ||x x^T - S||^2 = sum ||x||^4 - n ||S||^2
  Eigen::MatrixXd s = Eigen::MatrixXd::Zero(d, d);
  double fourth = 0, total = 0;
  for (Eigen::Index row = 0; row < rows.rows(); ++row) {
    const Eigen::VectorXd x = rows.row(row);
    const double weight = weight_of(weights, static_cast<std::size_t>(row));
    s.selfadjointView<Eigen::Lower>().rankUpdate(x, weight);
    fourth += weight * std::pow(x.squaredNorm(), 2);
    total += weight;
  }
  const double count = weights.empty() ? static_cast<double>(rows.rows()) : effective_rows(weights);
  s = Eigen::MatrixXd(s.selfadjointView<Eigen::Lower>()) / total;
  const double scale = s.trace() / static_cast<double>(d);
  const double noise = (fourth / total - s.squaredNorm()) / count;
  const double spread = (s - scale * Eigen::MatrixXd::Identity(d, d)).squaredNorm();
  return {s, spread > 0 ? std::clamp(noise / spread, 0.0, 1.0) : 1};
}

// The Cholesky factor of the correlations shrunk by so much; none where they are singular.
std::optional<Eigen::MatrixXd> factor_of(const Eigen::MatrixXd& s, double shrinkage) {
  const Eigen::Index d = s.rows();
  const double scale = s.trace() / static_cast<double>(d);
  const Eigen::LLT<Eigen::MatrixXd> cholesky((1 - shrinkage) * s +
                                             shrinkage * scale * Eigen::MatrixXd::Identity(d, d));
  if (cholesky.info() != Eigen::Success) return std::nullopt;
  return Eigen::MatrixXd(cholesky.matrixL());
}

// ln p of N(0, L L^T) of every row, a constant apart.
Eigen::VectorXd log_density(const Eigen::MatrixXd& l, const Rows& rows) {
  const Eigen::MatrixXd z = l.triangularView<Eigen::Lower>().solve(rows.transpose());
  const double log_det = l.diagonal().array().log().sum();
  return -z.colwise().squaredNorm().transpose().array() / 2 - log_det;
}

// How many standard errors the weighted mean of the differences lies above zero.
double significance(const Eigen::VectorXd& differences, RowWeights weights) {
  double sum = 0, total = 0;
  for (Eigen::Index i = 0; i < differences.size(); ++i) {
    const double weight = weight_of(weights, static_cast<std::size_t>(i));
    sum += weight * differences(i);
    total += weight;
  }
  const double mean = sum / total;
  double squares = 0;
  for (Eigen::Index i = 0; i < differences.size(); ++i) {
    squares +=
        std::pow(weight_of(weights, static_cast<std::size_t>(i)) * (differences(i) - mean), 2);
  }
  return squares > 0 ? mean * total / std::sqrt(squares) : 0;
}

}  // namespace

WhitenConfig shrunk_correlations(std::span<const double> standardised, std::size_t dimension,
                                 RowWeights weights, std::span<const double> held_out,
                                 RowWeights held_out_weights) {
  constexpr int kTenths = 12;
  constexpr double kSignificant = 2;
  const Correlations c = correlations(standardised, dimension, weights);
  const Rows judges = rows_of(held_out, dimension);
  std::optional<Eigen::MatrixXd> best = factor_of(c.s, c.shrinkage);
  for (int k = 1; best && judges.rows() > 1 && k <= kTenths + 1; ++k) {
    const auto less = factor_of(c.s, k <= kTenths ? c.shrinkage * std::pow(10, -k) : 0);
    if (!less) break;
    const Eigen::VectorXd gain = log_density(*less, judges) - log_density(*best, judges);
    if (significance(gain, held_out_weights) > kSignificant) best = less;
  }
  if (!best) {
    throw NumericError(
        "the columns' correlations are singular: one is a linear function of others");
  }
  WhitenConfig config;
  for (Eigen::Index i = 0; i < best->rows(); ++i) {
    for (Eigen::Index j = 0; j < best->cols(); ++j) config.factor.push_back((*best)(i, j));
  }
  return config;
}

template <class T>
Whiten<T>::Whiten(const WhitenConfig& config, std::size_t dimension)
    : dimension_(dimension), factor_(config.factor.begin(), config.factor.end()) {
  if (factor_.size() != dimension * dimension) {
    throw UsageError("whiten needs a factor of " + std::to_string(dimension) + " x " +
                     std::to_string(dimension));
  }
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) {
    const double* row = config.factor.data() + i * dimension;
    if (!(row[i] > 0)) throw UsageError("whiten: the factor's diagonal must be positive");
    if (std::any_of(row + i + 1, row + dimension, [](double v) { return v != 0; })) {
      throw UsageError("whiten: the factor must be lower triangular");
    }
    sum -= std::log(row[i]);
  }
  log_det_ = static_cast<T>(sum);
  norm_ = proved_spectral_norm(config.factor.data(), dimension, dimension);
  absolute_norm_ = absolute_norm(config.factor.data(), dimension, dimension);
}

template <class T>
Transformed Whiten<T>::forward(const Pass<T>& pass, Var x) const {
  const std::size_t d = dimension_;
  const Var y = pass.tape.variable(x.elements, x.groups);
  for (std::size_t g = 0; g < x.groups; ++g) {
    const T* xs = pass.tape.value(x) + g * d * kLanes;
    T* ys = pass.tape.value(y) + g * d * kLanes;
    for (std::size_t i = 0; i < d; ++i) {  // forward substitution
      T* yi = ys + i * kLanes;
      std::copy_n(xs + i * kLanes, kLanes, yi);
      for (std::size_t j = 0; j < i; ++j) {
        const T lij = factor_[i * d + j];
        for (std::size_t l = 0; l < kLanes; ++l) yi[l] -= lij * ys[j * kLanes + l];
      }
      for (std::size_t l = 0; l < kLanes; ++l) yi[l] /= factor_[i * d + i];
    }
  }
  pass.tape.on_backward(y, [y, x, this](Tape<T>& t) {
    // dx += L^-T dy, by backward substitution
    const std::size_t n = dimension_;
    const auto solved = t.workspace(x.size());
    std::copy_n(t.output_adjoint(y), x.size(), solved.data());
    T* dx = t.adjoint_to_add(x);
    for (std::size_t g = 0; g < x.groups; ++g) {
      T* s = solved.data() + g * n * kLanes;
      for (std::size_t i = n; i-- > 0;) {
        for (std::size_t j = i + 1; j < n; ++j) {
          for (std::size_t l = 0; l < kLanes; ++l) {
            s[i * kLanes + l] -= factor_[j * n + i] * s[j * kLanes + l];
          }
        }
        for (std::size_t l = 0; l < kLanes; ++l) s[i * kLanes + l] /= factor_[i * n + i];
      }
    }
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] += solved.data()[i];
  });
  const Var log_det = pass.tape.variable(1, x.groups);
  std::fill_n(pass.tape.value(log_det), log_det.size(), log_det_);
  return {y, log_det};
}

template <class T>
Inverted Whiten<T>::inverse(const Pass<T>& pass, Var y, const InverseOptions&) const {
  const std::size_t d = dimension_;
  const Var x = pass.tape.variable(y.elements, y.groups);
  std::fill_n(pass.tape.value(x), x.size(), T(0));
  for (std::size_t g = 0; g < y.groups; ++g) {
    const T* ys = pass.tape.value(y) + g * d * kLanes;
    T* xs = pass.tape.value(x) + g * d * kLanes;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        for (std::size_t l = 0; l < kLanes; ++l) {
          xs[i * kLanes + l] += factor_[i * d + j] * ys[j * kLanes + l];
        }
      }
    }
  }
  return {x};
}

template <class T>
double Whiten<T>::inverse_lipschitz(const T*) const {
  return norm_;
}

// Sums of at most d products with numbers that have been rounded to T themselves: off by at most
// (d + 2) u |L| |y|, to first order.
template <class T>
double Whiten<T>::inverse_rounding(const T*, const T* y, const T*) const {
  double squares = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    const double yi = y[i * kLanes];
    squares += yi * yi;
  }
  const double terms = static_cast<double>(dimension_) + 3;
  return terms * kUnitRoundoff<T> * absolute_norm_ * std::sqrt(squares);
}

template class Whiten<float>;
template class Whiten<double>;

}  // namespace iflow
