#include "flow/actnorm.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops.h"

namespace iflow {

template <class T>
ActNorm<T>::ActNorm(std::size_t dimension, ParameterLayout& layout, const std::string& prefix)
    : log_scale_(layout.add(prefix + ".log_scale", dimension, 1)),
      shift_(layout.add(prefix + ".shift", dimension, 1)),
      log_scale_info_(layout[log_scale_]) {}

template <class T>
Transformed ActNorm<T>::forward(const Pass<T>& pass, Var x) const {
  const Parameter<T> log_scale = pass.parameter(log_scale_);
  return {ops::scale_and_shift(pass.tape, log_scale, pass.parameter(shift_), x),
          ops::sum_to_rows(pass.tape, log_scale, x.groups)};
}

template <class T>
Inverted ActNorm<T>::inverse(const Pass<T>& pass, Var y, const InverseOptions&) const {
  const T* log_scale = pass.parameter(log_scale_).value;
  const T* shift = pass.parameter(shift_).value;
  const Var x = pass.tape.variable(y.elements, y.groups);
  const T* ys = pass.tape.value(y);
  T* xs = pass.tape.value(x);
  for (std::size_t g = 0; g < y.groups; ++g) {
    for (std::size_t i = 0; i < y.elements; ++i) {
      const T inverse_scale = std::exp(-log_scale[i]);
      for (std::size_t l = 0; l < kLanes; ++l) *xs++ = *ys++ * inverse_scale - shift[i];
    }
  }
  return {x};
}

template <class T>
void ActNorm<T>::initialise(const Pass<T>& pass, std::span<T> values, Var x, std::uint64_t) const {
  const T* xs = pass.tape.value(x);
  for (std::size_t i = 0; i < x.elements; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t g = 0; g < x.groups; ++g) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const double value = xs[(g * x.elements + i) * kLanes + l];
        sum += value;
        squares += value * value;
      }
    }
    const double n = static_cast<double>(x.groups * kLanes);
    const double variance = std::max(squares / n - (sum / n) * (sum / n), 1e-12);
    values[pass.layout[log_scale_].offset + i] = static_cast<T>(-0.5 * std::log(variance));
    values[pass.layout[shift_].offset + i] = static_cast<T>(-sum / n);
  }
}

template <class T>
double ActNorm<T>::inverse_lipschitz(const T* values) const {
  const T* log_scale = values + log_scale_info_.offset;
  const T smallest = *std::min_element(log_scale, log_scale + log_scale_info_.size());
  return std::exp(-static_cast<double>(smallest));
}

template class ActNorm<float>;
template class ActNorm<double>;

}  // namespace iflow
