#include "flow/anderson.h"

#include <algorithm>
#include <cmath>

namespace iflow {

namespace {

// Differences that are nearly linear combinations of others are weighted down by this much of their
// squared length.
constexpr double kRidge = 1e-10;

// Solves a symmetric positive semidefinite system (n, n), scaled to a unit diagonal, by Cholesky;
// what has no length gets nothing. a: row-major, overwritten.
void solve_scaled(double* a, double* b, std::size_t n) {
  constexpr std::size_t kMost = 16;
  std::array<double, kMost> scale{};
  for (std::size_t i = 0; i < n; ++i) {
    const double length = std::sqrt(a[i * n + i]);
    scale[i] = length > 0 ? 1 / length : 0;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) a[i * n + j] *= scale[i] * scale[j];
    a[i * n + i] = 1 + kRidge;
    b[i] *= scale[i];
  }
  for (std::size_t i = 0; i < n; ++i) {  // a <- its factor; b <- factor^-1 b
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(std::max(sum, kRidge)) : sum / a[j * n + j];
    }
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = 0; i < n; ++i) b[i] *= scale[i];
}

}  // namespace

template <class T>
Anderson<T>::Anderson(Tape<T>& tape, std::size_t elements, std::size_t groups, std::size_t memory)
    : elements_(elements),
      groups_(groups),
      memory_(memory),
      residuals_(tape.scratch(memory * size())),
      steps_(tape.scratch(memory * size())),
      gram_(groups * memory * memory * kLanes, 0),
      recorded_(groups, 0),
      begun_(groups * kLanes, false) {
  std::fill_n(residuals_, memory * size(), T(0));
  std::fill_n(steps_, memory * size(), T(0));
}

// <a, b> of every row of group g; a, b: [elements] of that group.
template <class T>
std::array<double, kLanes> Anderson<T>::products(std::size_t g, const T* a, const T* b) const {
  const std::size_t first = g * elements_ * kLanes;
  std::array<double, kLanes> sums{};
  for (std::size_t i = 0; i < elements_; ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const std::size_t at = first + i * kLanes + l;
      sums[l] += static_cast<double>(a[at]) * static_cast<double>(b[at]);
    }
  }
  return sums;
}

template <class T>
void Anderson<T>::record(std::size_t g, const std::array<bool, kLanes>& accepted, const T* x,
                         const T* r, const T* x_before, const T* r_before) {
  if (memory_ == 0) return;
  const std::size_t slot = recorded_[g]++ % memory_;
  T *residual = residuals_ + slot * size(), *step = steps_ + slot * size();
  std::array<bool, kLanes> known{};
  for (std::size_t l = 0; l < kLanes; ++l) {
    known[l] = accepted[l] && begun_[g * kLanes + l];
    begun_[g * kLanes + l] = accepted[l] || begun_[g * kLanes + l];
  }
  for (std::size_t i = 0; i < elements_; ++i) {
    const std::size_t at = (g * elements_ + i) * kLanes;
    for (std::size_t l = 0; l < kLanes; ++l) {
      const T change = r[at + l] - r_before[at + l];
      residual[at + l] = known[l] ? change : T(0);
      step[at + l] = known[l] ? x[at + l] - x_before[at + l] + change : T(0);
    }
  }
  for (std::size_t j = 0; j < memory_; ++j) {
    const auto sums = products(g, residual, residuals_ + j * size());
    for (std::size_t l = 0; l < kLanes; ++l) gram(g, slot, j, l) = gram(g, j, slot, l) = sums[l];
  }
  for (std::size_t l = 0; l < kLanes; ++l) {
    if (accepted[l]) continue;
    for (std::size_t j = 0; j < memory_ * memory_; ++j) {
      gram(g, j / memory_, j % memory_, l) = 0;
    }
    for (std::size_t j = 0; j < memory_; ++j) {
      for (std::size_t i = 0; i < elements_; ++i) {
        const std::size_t at = j * size() + (g * elements_ + i) * kLanes + l;
        residuals_[at] = steps_[at] = T(0);
      }
    }
  }
}

template <class T>
void Anderson<T>::step(std::size_t g, const T* r, T* step) const {
  const std::size_t first = g * elements_ * kLanes;
  std::copy_n(r + first, elements_ * kLanes, step + first);
  if (memory_ == 0) return;
  std::vector<double> weights(memory_ * kLanes), matrix(memory_ * memory_), right(memory_);
  for (std::size_t j = 0; j < memory_; ++j) {
    const auto sums = products(g, residuals_ + j * size(), r);
    std::copy(sums.begin(), sums.end(), weights.begin() + static_cast<std::ptrdiff_t>(j * kLanes));
  }
  for (std::size_t l = 0; l < kLanes; ++l) {
    for (std::size_t i = 0; i < memory_; ++i) {
      right[i] = weights[i * kLanes + l];
      for (std::size_t j = 0; j < memory_; ++j) matrix[i * memory_ + j] = gram(g, i, j, l);
    }
    solve_scaled(matrix.data(), right.data(), memory_);
    for (std::size_t i = 0; i < memory_; ++i) weights[i * kLanes + l] = right[i];
  }
  for (std::size_t j = 0; j < memory_; ++j) {
    const T* change = steps_ + j * size();
    for (std::size_t i = 0; i < elements_; ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const std::size_t at = first + i * kLanes + l;
        step[at] -= static_cast<T>(weights[j * kLanes + l]) * change[at];
      }
    }
  }
}

template class Anderson<float>;
template class Anderson<double>;

}  // namespace iflow
