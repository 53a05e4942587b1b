#include "flow/standardise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/rounding.h"

namespace iflow {

std::string StandardiseConfig::describe() const { return kKind; }

template <class T>
std::unique_ptr<Layer<T>> StandardiseConfig::make(const LayerSite& site) const {
  if (mean.size() != site.dimension || deviation.size() != site.dimension) {
    throw UsageError(site.name + ": standardise needs a mean and a deviation for each column");
  }
  for (const double d : deviation) {
    if (!(d > 0)) throw UsageError(site.name + ": a deviation must be positive");
  }
  return std::make_unique<Standardise<T>>(*this);
}

namespace {

// y[g][i][l] = f(i, x[g][i][l]) on a tape that does not need to record: nothing is learned here.
template <class T, class F>
Var map_elements(Tape<T>& tape, Var x, F f) {
  const Var y = tape.variable(x.elements, x.groups);
  const T* xs = tape.value(x);
  T* ys = tape.value(y);
  for (std::size_t g = 0; g < x.groups; ++g) {
    for (std::size_t i = 0; i < x.elements; ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) *ys++ = f(i, *xs++);
    }
  }
  return y;
}

}  // namespace

template <class T>
Standardise<T>::Standardise(StandardiseConfig config) : config_(std::move(config)) {
  double sum = 0;
  for (const double deviation : config_.deviation) sum -= std::log(deviation);
  log_det_ = static_cast<T>(sum);
}

template <class T>
Transformed Standardise<T>::forward(const Pass<T>& pass, Var x) const {
  const Var y = map_elements(pass.tape, x, [&](std::size_t i, T value) {
    return static_cast<T>((value - config_.mean[i]) / config_.deviation[i]);
  });
  pass.tape.on_backward(y, [y, x, this](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      dx[i] += dy[i] / static_cast<T>(config_.deviation[i / kLanes % x.elements]);
    }
  });
  const Var log_det = pass.tape.variable(1, x.groups);
  std::fill_n(pass.tape.value(log_det), log_det.size(), log_det_);
  return {y, log_det};
}

template <class T>
Inverted Standardise<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                                 const InverseOptions&) const {
  return {map_elements(pass.tape, y, [&](std::size_t i, T value) {
    return static_cast<T>(value * config_.deviation[i] + config_.mean[i]);
  })};
}

template <class T>
double Standardise<T>::inverse_lipschitz(const Certificate&, const T*, const T*, double) const {
  return *std::max_element(config_.deviation.begin(), config_.deviation.end());
}

// x = y deviation + mean: the product, at most |x| + |mean|, and the sum are off by u each, and so
// is what is rounded to T.
template <class T>
double Standardise<T>::inverse_rounding(const Certificate&, const T*, const T*, const T* x) const {
  double squares = 0;
  for (std::size_t i = 0; i < config_.mean.size(); ++i) {
    const double xi = x[i * kLanes];
    const double off = 4 * std::fabs(xi) + 2 * std::fabs(config_.mean[i]);
    squares += off * off;
  }
  return kUnitRoundoff<T> * std::sqrt(squares);
}

template class Standardise<float>;
template class Standardise<double>;
template std::unique_ptr<Layer<float>> StandardiseConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> StandardiseConfig::make(const LayerSite&) const;

}  // namespace iflow
