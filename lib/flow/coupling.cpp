#include "flow/coupling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autodiff/ops.h"
#include "base/error.h"
#include "flow/spline_map.h"

namespace iflow {

namespace {

template <class T>
std::unique_ptr<ColumnMap<T>> make_map(const CouplingConfig& config, const std::string& prefix) {
  switch (config.kind) {
    case CouplingKind::kAdditive:
      return make_additive_map<T>();
    case CouplingKind::kAffine:
      if (!(config.log_scale_bound > 0 && std::isfinite(config.log_scale_bound))) {
        throw UsageError(prefix + ": the bound of the log-scale must be positive");
      }
      return make_affine_map<T>(config.log_scale_bound);
    case CouplingKind::kSpline:
      break;
  }
  if (config.bins == 0 || config.bins > kMaxSplineBins) {
    throw UsageError(prefix + ": a spline has from 1 to " + std::to_string(kMaxSplineBins) +
                     " bins");
  }
  if (!(config.range > 0 && std::isfinite(config.range))) {
    throw UsageError(prefix + ": a spline's range must be positive");
  }
  return make_spline_map<T>(config.bins, config.range);
}

DenseBranchConfig conditioner_config(const CouplingConfig& config, std::size_t inputs,
                                     std::size_t condition, std::size_t outputs) {
  DenseBranchConfig network;
  network.dimension = inputs;
  network.condition = condition;
  network.outputs = outputs;
  network.hidden = config.hidden;
  network.activation = config.activation;
  network.activation_start = config.activation_start;
  // No shift at all is a stationary point wherever the data are symmetric.
  network.start_gain = config.kind == CouplingKind::kAdditive ? 1 : 0;
  network.bounded = false;
  return network;
}

std::size_t checked_dimension(std::size_t dimension, const std::string& prefix) {
  if (dimension < 2) throw UsageError(prefix + ": a coupling layer needs at least 2 columns");
  return dimension;
}

}  // namespace

const std::map<CouplingKind, std::string>& coupling_names() {
  static const std::map<CouplingKind, std::string> names = {{CouplingKind::kAdditive, "additive"},
                                                            {CouplingKind::kAffine, "affine"},
                                                            {CouplingKind::kSpline, "spline"}};
  return names;
}

template <class T>
Coupling<T>::Coupling(const CouplingConfig& config, std::size_t dimension, std::size_t condition,
                      ParameterLayout& layout, const std::string& prefix)
    : dimension_(checked_dimension(dimension, prefix)),
      passed_begin_(config.from_second ? dimension / 2 : 0),
      passed_count_(config.from_second ? dimension - dimension / 2 : dimension / 2),
      mapped_begin_(config.from_second ? 0 : dimension / 2),
      mapped_count_(dimension - passed_count_),
      map_(make_map<T>(config, prefix)),
      conditioner_(
          conditioner_config(config, passed_count_, condition, mapped_count_ * map_->parameters()),
          layout, prefix + ".conditioner") {}

// The h of every mapped column: [G][mapped columns * parameters].
template <class T>
Var Coupling<T>::condition(const Pass<T>& pass, Var x) const {
  return conditioner_.forward(pass, ops::elements(pass.tape, x, passed_begin_, passed_count_),
                              x.groups);
}

template <class T>
Transformed Coupling<T>::forward(const Pass<T>& pass, Var x) const {
  const std::size_t per_column = map_->parameters() * kLanes;
  const Var h = condition(pass, x);
  // y, and behind its columns ln |det|: one variable, so that one backward serves both
  const Var out = pass.tape.variable(dimension_ + 1, x.groups);
  for (std::size_t g = 0; g < x.groups; ++g) {
    const T* xs = pass.tape.value(x) + g * dimension_ * kLanes;
    const T* hs = pass.tape.value(h) + g * h.elements * kLanes;
    T* ys = pass.tape.value(out) + g * out.elements * kLanes;
    T* log_det = ys + dimension_ * kLanes;
    std::copy_n(xs + passed_begin_ * kLanes, passed_count_ * kLanes, ys + passed_begin_ * kLanes);
    std::fill_n(log_det, kLanes, T(0));
    for (std::size_t i = 0; i < mapped_count_; ++i) {
      const std::size_t at = (mapped_begin_ + i) * kLanes;
      map_->forward(xs + at, hs + i * per_column, ys + at, log_det);
    }
  }
  pass.tape.on_backward(out, [=, this](Tape<T>& t) {
    T* const dx = t.adjoint_to_add(x);
    T* const dh = t.adjoint_to_add(h);
    for (std::size_t g = 0; g < x.groups; ++g) {
      const T* dy = t.output_adjoint(out) + g * out.elements * kLanes;
      const T* d_log_det = dy + dimension_ * kLanes;
      const T* xs = t.value(x) + g * dimension_ * kLanes;
      const T* hs = t.value(h) + g * h.elements * kLanes;
      T* dxs = dx + g * dimension_ * kLanes;
      T* dhs = dh + g * h.elements * kLanes;
      for (std::size_t l = passed_begin_ * kLanes; l < (passed_begin_ + passed_count_) * kLanes;
           ++l) {
        dxs[l] += dy[l];
      }
      for (std::size_t i = 0; i < mapped_count_; ++i) {
        const std::size_t at = (mapped_begin_ + i) * kLanes;
        map_->backward(xs + at, hs + i * per_column, dy + at, d_log_det, dxs + at,
                       dhs + i * per_column);
      }
    }
  });
  return {ops::elements(pass.tape, out, 0, dimension_),
          ops::elements(pass.tape, out, dimension_, 1)};
}

template <class T>
Inverted Coupling<T>::inverse(const Pass<T>& pass, Var y, const InverseOptions&) const {
  const std::size_t per_column = map_->parameters() * kLanes;
  const Var h = condition(pass, y);  // x_1 = y_1
  const Var x = pass.tape.variable(dimension_, y.groups);
  std::copy_n(pass.tape.value(y), y.size(), pass.tape.value(x));
  for (std::size_t g = 0; g < y.groups; ++g) {
    const T* hs = pass.tape.value(h) + g * h.elements * kLanes;
    T* xs = pass.tape.value(x) + (g * dimension_ + mapped_begin_) * kLanes;
    for (std::size_t i = 0; i < mapped_count_; ++i) {
      map_->inverse(xs + i * kLanes, hs + i * per_column, xs + i * kLanes);
    }
  }
  return {x};
}

template <class T>
void Coupling<T>::initialise(const Pass<T>& pass, std::span<T> values, Var,
                             std::uint64_t seed) const {
  conditioner_.initialise(pass.layout, values, seed);
}

template <class T>
double Coupling<T>::inverse_lipschitz(const T*) const {
  return std::numeric_limits<double>::infinity();
}

template class Coupling<float>;
template class Coupling<double>;

}  // namespace iflow
