#include "flow/whiten.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/rounding.h"
#include "nn/branch_bounds.h"
#include "nn/lipschitz.h"

namespace iflow {

std::string WhitenConfig::describe() const { return kKind; }

template <class T>
std::unique_ptr<Layer<T>> WhitenConfig::make(const LayerSite& site) const {
  return std::make_unique<Whiten<T>>(*this, site.dimension);
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
Inverted Whiten<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                            const InverseOptions&) const {
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
double Whiten<T>::inverse_lipschitz(const Certificate&, const T*, const T*, double) const {
  return norm_;
}

// Sums of at most d products with numbers that have been rounded to T themselves: off by at most
// (d + 2) u |L| |y|, to first order.
template <class T>
double Whiten<T>::inverse_rounding(const Certificate&, const T*, const T* y, const T*) const {
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
template std::unique_ptr<Layer<float>> WhitenConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> WhitenConfig::make(const LayerSite&) const;

}  // namespace iflow
