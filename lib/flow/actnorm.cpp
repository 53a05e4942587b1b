#include "flow/actnorm.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops.h"
#include "base/error.h"
#include "base/rounding.h"

namespace iflow {

std::string ActNormConfig::describe() const {
  const std::string name = kKind;
  return channels > 0 ? name + " of " + std::to_string(channels) + " channels" : name;
}

template <class T>
std::unique_ptr<Layer<T>> ActNormConfig::make(const LayerSite& site) const {
  return std::make_unique<ActNorm<T>>(site.dimension, channels > 0 ? channels : site.dimension,
                                      site.layout, site.name);
}

namespace {

std::size_t checked(std::size_t channels, std::size_t dimension, const std::string& prefix) {
  if (channels == 0 || dimension % channels != 0) {
    throw UsageError(prefix + ": rows of " + std::to_string(dimension) + " numbers can't have " +
                     std::to_string(channels) + " channels");
  }
  return channels;
}

}  // namespace

template <class T>
ActNorm<T>::ActNorm(std::size_t dimension, std::size_t channels, ParameterLayout& layout,
                    const std::string& prefix)
    : pixels_(dimension / checked(channels, dimension, prefix)),
      log_scale_(layout.add(prefix + ".log_scale", channels, 1)),
      shift_(layout.add(prefix + ".shift", channels, 1)),
      log_scale_info_(layout[log_scale_]),
      shift_info_(layout[shift_]) {}

template <class T>
Transformed ActNorm<T>::forward(const Pass<T>& pass, Var x) const {
  const Parameter<T> log_scale = pass.parameter(log_scale_);
  const Var sum = ops::sum_to_rows(pass.tape, log_scale, x.groups);
  const Var y = ops::scale_and_shift(pass.tape, log_scale, pass.parameter(shift_), x);
  return {y, pixels_ == 1 ? sum : ops::scale(pass.tape, sum, static_cast<T>(pixels_))};
}

template <class T>
Inverted ActNorm<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                             const InverseOptions&) const {
  const T* log_scale = pass.parameter(log_scale_).value;
  const T* shift = pass.parameter(shift_).value;
  const Var x = pass.tape.variable(y.elements, y.groups);
  const T* ys = pass.tape.value(y);
  T* xs = pass.tape.value(x);
  for (std::size_t g = 0; g < y.groups; ++g) {
    for (std::size_t i = 0; i < y.elements; ++i) {
      const std::size_t c = i % log_scale_info_.size();
      const T inverse_scale = std::exp(-log_scale[c]);
      for (std::size_t l = 0; l < kLanes; ++l) *xs++ = *ys++ * inverse_scale - shift[c];
    }
  }
  return {x};
}

template <class T>
void ActNorm<T>::initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                            std::uint64_t) const {
  const T* xs = pass.tape.value(x);
  const std::size_t channels = log_scale_info_.size(), pixels = x.groups * pixels_;
  for (std::size_t i = 0; i < channels; ++i) {
    double n = 0, sum = 0, squares = 0;
    for (std::size_t p = 0; p < pixels; ++p) {
      const double* of_group = weights + p / pixels_ * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        const double value = xs[(p * channels + i) * kLanes + l];
        n += of_group[l];
        sum += of_group[l] * value;
        squares += of_group[l] * value * value;
      }
    }
    const double variance = std::max(squares / n - (sum / n) * (sum / n), 1e-12);
    values[pass.layout[log_scale_].offset + i] = static_cast<T>(-0.5 * std::log(variance));
    values[pass.layout[shift_].offset + i] = static_cast<T>(-sum / n);
  }
}

template <class T>
double ActNorm<T>::inverse_lipschitz(const Certificate&, const T* values, const T*, double) const {
  const T* log_scale = values + log_scale_info_.offset;
  const T smallest = *std::min_element(log_scale, log_scale + log_scale_info_.size());
  return std::exp(-static_cast<double>(smallest)) * (1 + 4 * kUnitRoundoff<double>);
}

// x = fl(fl(y fl(e^-s)) - shift): e^-s is off by an ulp or 2 u, so that y e^-s, at most
// |x| + |shift|, is off by 3 u, and the difference by u.
template <class T>
double ActNorm<T>::inverse_rounding(const Certificate&, const T* values, const T*,
                                    const T* x) const {
  const T* shift = values + shift_info_.offset;
  const std::size_t channels = shift_info_.size();
  double squares = 0;
  for (std::size_t i = 0; i < channels * pixels_; ++i) {
    const double xi = x[i * kLanes], shift_i = shift[i % channels];
    const double off = 5 * std::fabs(xi) + 4 * std::fabs(shift_i);
    squares += off * off;
  }
  return kUnitRoundoff<T> * std::sqrt(squares);
}

template class ActNorm<float>;
template class ActNorm<double>;
template std::unique_ptr<Layer<float>> ActNormConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> ActNormConfig::make(const LayerSite&) const;

}  // namespace iflow
