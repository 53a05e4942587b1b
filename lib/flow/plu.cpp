#include "flow/plu.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/rounding.h"
#include "kernels/matmul.h"
#include "nn/lipschitz.h"

namespace iflow {

std::string PluConfig::describe() const {
  const std::string name = "plu matrix";
  return channels > 0 ? name + " of " + std::to_string(channels) + " channels" : name;
}

template <class T>
std::unique_ptr<Layer<T>> PluConfig::make(const LayerSite& site) const {
  return std::make_unique<Plu<T>>(site.dimension, channels > 0 ? channels : site.dimension,
                                  site.layout, site.name);
}

namespace {

std::size_t pixels_of(std::size_t dimension, std::size_t channels, const std::string& prefix) {
  if (channels == 0 || dimension % channels != 0) {
    throw UsageError(prefix + ": rows of " + std::to_string(dimension) + " numbers can't have " +
                     std::to_string(channels) + " channels");
  }
  return dimension / channels;
}

// Writes P L and U, (d, d) row-major each.
template <class T>
void unpack(const T* factors, std::size_t d, T* permuted_lower, T* upper) {
  for (std::size_t i = 0; i < d; ++i) {
    T* lower = permuted_lower + (d - 1 - i) * d;
    for (std::size_t j = 0; j < d; ++j) {
      const T f = factors[i * d + j];
      lower[j] = i == j ? 1 : i > j ? f : 0;
      upper[i * d + j] = i == j ? std::exp(f) : i < j ? f : 0;
    }
  }
}

}  // namespace

template <class T>
Plu<T>::Plu(std::size_t dimension, std::size_t channels, ParameterLayout& layout,
            const std::string& prefix)
    : pixels_(pixels_of(dimension, channels, prefix)),
      factors_(layout.add(prefix + ".factors", channels, channels)),
      info_(layout[factors_]) {}

template <class T>
Transformed Plu<T>::forward(const Pass<T>& pass, Var x) const {
  Tape<T>& tape = pass.tape;
  const Parameter<T> factors = pass.parameter(factors_);
  const std::size_t d = factors.rows, pixels = x.groups * pixels_;  // of kLanes images each
  T* lower = tape.scratch(d * d);
  T* upper = tape.scratch(d * d);
  unpack(factors.value, d, lower, upper);
  const auto pl = kernels::row_major<T>(lower, d, d), u = kernels::row_major<T>(upper, d, d);
  T* middle = tape.scratch(x.size());  // U x
  const Var y = tape.variable(x.elements, x.groups);
  kernels::matmul(u, tape.value(x), middle, pixels, false);
  kernels::matmul(pl, middle, tape.value(y), pixels, false);
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    // y = P L m, m = U x: dL = (P^T dy) m^T, dm = (P L)^T dy, dU = dm x^T, dx = U^T dm
    const auto d_middle = t.workspace(x.size()), d_matrix = t.workspace(d * d);
    T* dm = d_matrix.data();
    std::fill_n(dm, d * d, T(0));
    kernels::weight_gradient(dy, middle, dm, d, d, pixels);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        factors.gradient[i * d + j] += dm[(d - 1 - i) * d + j];
      }
    }
    kernels::matmul(pl.transposed(), dy, d_middle.data(), pixels, false);
    std::fill_n(dm, d * d, T(0));
    kernels::weight_gradient(d_middle.data(), t.value(x), dm, d, d, pixels);
    for (std::size_t i = 0; i < d; ++i) {
      factors.gradient[i * d + i] += dm[i * d + i] * upper[i * d + i];
      for (std::size_t j = i + 1; j < d; ++j) factors.gradient[i * d + j] += dm[i * d + j];
    }
    const auto dx = t.adjoint(x);
    kernels::matmul(u.transposed(), d_middle.data(), dx.data, pixels, !dx.fresh);
  });

  const Var log_det = tape.variable(1, x.groups);
  T sum = 0;
  for (std::size_t i = 0; i < d; ++i) sum += factors.value[i * (d + 1)];
  const T copies = static_cast<T>(pixels_);
  std::fill_n(tape.value(log_det), log_det.size(), copies * sum);
  tape.on_backward(log_det, [=](Tape<T>& t) {
    const T* adjoint = t.output_adjoint(log_det);
    T total = 0;
    for (std::size_t i = 0; i < log_det.size(); ++i) total += adjoint[i];
    for (std::size_t i = 0; i < d; ++i) factors.gradient[i * (d + 1)] += copies * total;
  });
  return {y, log_det};
}

template <class T>
Inverted Plu<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                         const InverseOptions&) const {
  const std::size_t d = info_.rows;
  const T* factors = pass.parameter(factors_).value;
  const Var x = pass.tape.variable(y.elements, y.groups);
  for (std::size_t g = 0; g < y.groups * pixels_; ++g) {
    const T* ys = pass.tape.value(y) + g * d * kLanes;
    T* xs = pass.tape.value(x) + g * d * kLanes;
    const auto subtract = [&](std::size_t i, std::size_t j) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        xs[i * kLanes + l] -= factors[i * d + j] * xs[j * kLanes + l];
      }
    };
    for (std::size_t i = 0; i < d; ++i) {  // P^T, then forward substitution with L
      std::copy_n(ys + (d - 1 - i) * kLanes, kLanes, xs + i * kLanes);
      for (std::size_t j = 0; j < i; ++j) subtract(i, j);
    }
    for (std::size_t i = d; i-- > 0;) {  // backward substitution with U
      for (std::size_t j = i + 1; j < d; ++j) subtract(i, j);
      const T scale = std::exp(factors[i * (d + 1)]);
      for (std::size_t l = 0; l < kLanes; ++l) xs[i * kLanes + l] /= scale;
    }
  }
  return {x};
}

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// An upper bound of ||A^-1||, A = L U: ||B|| / (1 - ||I - B A||) for any B. The diagonal of U, an
// exponential, is off by 2 u.
double proved_inverse_norm(const Matrix& lower, const Matrix& upper) {
  const Eigen::Index d = lower.rows();
  const Matrix identity = Matrix::Identity(d, d);
  const Matrix b = upper.triangularView<Eigen::Upper>().solve(
      Matrix(lower.triangularView<Eigen::UnitLower>().solve(identity)));
  const double terms = static_cast<double>(2 * d + 4);
  const double rounding = terms * kUnitRoundoff<double> *
                          ((b.cwiseAbs() * lower.cwiseAbs() * upper.cwiseAbs()).norm() + 1);
  const double off = ((identity - b * lower * upper).norm() + rounding) * kUpAfterThousands;
  if (!(off < 1)) return std::numeric_limits<double>::infinity();
  const auto n = static_cast<std::size_t>(d);
  return proved_spectral_norm(b.data(), n, n) / (1 - off) * kUpAfterThousands;
}

// At least |A^-1| of a triangular A: the inverse of the matrix that has |a_ii| on its diagonal and
// -|a_ij| beside it, whose computation adds up positive numbers. (Higham, "Accuracy and Stability
// of Numerical Algorithms", 8.2)
template <unsigned kTriangle>
Matrix magnitude_of_inverse(const Matrix& a) {
  Matrix comparison = -a.cwiseAbs();
  comparison.diagonal() = a.diagonal().cwiseAbs();
  const Matrix identity = Matrix::Identity(a.rows(), a.cols());
  return comparison.triangularView<kTriangle>().solve(identity) * kUpAfterThousands;
}

}  // namespace

// C = |U^-1| (|L^-1| |L| + I) |U|
template <class T>
Certificate Plu<T>::prove(const ParameterLayout&, std::span<const double> values,
                          std::span<const double>) const {
  const auto d = static_cast<Eigen::Index>(info_.rows);
  const Eigen::Map<const Matrix> factors(values.data() + info_.offset, d, d);
  Matrix lower = factors.triangularView<Eigen::StrictlyLower>(),
         upper = factors.triangularView<Eigen::StrictlyUpper>();
  lower.diagonal().setOnes();
  upper.diagonal() = factors.diagonal().array().exp();
  Certificate certificate;
  certificate.inverse_norm = proved_inverse_norm(lower, upper);
  Matrix c = magnitude_of_inverse<Eigen::Lower>(lower) * lower.cwiseAbs();
  c.diagonal().array() += 1;
  c = magnitude_of_inverse<Eigen::Upper>(upper) * c * upper.cwiseAbs() * kUpAfterThousands;
  certificate.rounding_of_solve.assign(c.data(), c.data() + c.size());
  return certificate;
}

template <class T>
double Plu<T>::inverse_lipschitz(const Certificate& certificate, const T*, const T*, double) const {
  return certificate.inverse_norm;
}

// Either substitution is the exact one with factors that are off by gamma_d |L| and gamma_d |U|,
// and by 2 u where the diagonal is an exponential: |x - x*| <= gamma C |x|. (Higham, theorem 8.5)
template <class T>
double Plu<T>::inverse_rounding(const Certificate& certificate, const T*, const T*,
                                const T* x) const {
  const std::size_t d = info_.rows;
  double squares = 0;
  for (std::size_t p = 0; p < pixels_; ++p) {
    for (std::size_t i = 0; i < d; ++i) {
      double off = 0;
      for (std::size_t j = 0; j < d; ++j) {
        off += certificate.rounding_of_solve[i * d + j] *
               std::fabs(static_cast<double>(x[(p * d + j) * kLanes]));
      }
      squares += off * off;
    }
  }
  const double terms = static_cast<double>(d + 4) * kUnitRoundoff<T>;
  return terms / (1 - 2 * terms) * std::sqrt(squares) * kUpAfterThousands;
}

template class Plu<float>;
template class Plu<double>;
template std::unique_ptr<Layer<float>> PluConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> PluConfig::make(const LayerSite&) const;

}  // namespace iflow
