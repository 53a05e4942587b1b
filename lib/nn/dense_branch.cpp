#include "nn/dense_branch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "autodiff/ops.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/rounding.h"
#include "kernels/clipswish.h"
#include "kernels/matmul.h"
#include "kernels/softplus.h"
#include "nn/activations.h"
#include "nn/orthogonal.h"

namespace iflow {

namespace {

// A random orthogonal matrix times `gain`, where the parameter stands in `values`.
template <class T>
void set_orthogonal(Rng& rng, const ParameterInfo& info, double gain, std::span<T> values) {
  const Eigen::MatrixXd w = random_orthogonal(rng, static_cast<Eigen::Index>(info.rows),
                                              static_cast<Eigen::Index>(info.columns));
  for (std::size_t r = 0; r < info.rows; ++r) {
    for (std::size_t c = 0; c < info.columns; ++c) {
      values[info.offset + r * info.columns + c] =
          static_cast<T>(gain * w(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)));
    }
  }
}

}  // namespace

template <class T>
DenseBranch<T>::DenseBranch(const DenseBranchConfig& config, ParameterLayout& layout,
                            const std::string& prefix)
    : activation_(find_activation(config.activation).kind),
      concatenated_(find_activation(config.activation).concatenated),
      activation_start_(config.activation_start),
      start_gain_(config.start_gain) {
  if (!(config.coefficient > 0 && config.coefficient < 1)) {
    throw UsageError(prefix + ": the coefficient must lie between 0 and 1, got " +
                     std::to_string(config.coefficient));
  }
  if (!(config.activation_start > 0)) {
    throw UsageError(prefix + ": the activation's parameter must start above 0, got " +
                     std::to_string(config.activation_start));
  }
  if (!(config.start_gain >= 0 && config.start_gain <= 1)) {
    throw UsageError(prefix + ": the initial gain must lie between 0 and 1, got " +
                     std::to_string(config.start_gain));
  }
  if (config.hidden.empty()) throw UsageError(prefix + ": a branch needs a hidden layer");
  std::vector<std::size_t> widths = {config.dimension};
  widths.insert(widths.end(), config.hidden.begin(), config.hidden.end());
  widths.push_back(config.outputs > 0 ? config.outputs : config.dimension);
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    if (widths[i] == 0) throw UsageError(prefix + ": a layer can't have a width of 0");
    const std::string name = prefix + "." + std::to_string(i);
    Layer layer{};
    layer.activated = i > 0 || config.activation_first;
    const std::size_t inputs = widths[i] * (layer.activated && concatenated_ ? 2 : 1);
    layer.weight = layout.add(name + ".weight", widths[i + 1], inputs,
                              config.bounded ? config.coefficient : 0);
    layer.bias = layout.add(name + ".bias", widths[i + 1], 1);
    layer.condition = layer.weight;
    if (i == 0 && config.condition > 0) {
      layer.condition = layout.add(name + ".condition", widths[i + 1], config.condition);
    }
    layer.parameter = layer.weight;
    if (layer.activated && has_parameter(activation_)) {
      layer.parameter = layout.add(name + ".activation", 1, 1);
    }
    layers_.push_back(layer);
  }
}

template <class T>
Var DenseBranch<T>::activate(const Pass<T>& pass, const Layer& layer, Var x,
                             std::size_t groups) const {
  if (concatenated_) x = ops::mirror(pass.tape, x);
  Var y = ops::activation(pass.tape, activation_, pass.parameter(layer.parameter), x, groups);
  if (concatenated_) y = ops::scale(pass.tape, y, T(1 / kernels::kClipSwishLipschitz));
  return y;
}

template <class T>
Var DenseBranch<T>::forward(const Pass<T>& pass, Var x, std::size_t groups) const {
  return forward_from(pass, 0, x, groups);
}

template <class T>
Var DenseBranch<T>::forward_with_jacobian(const Pass<T>& pass, Var x) const {
  const Layer& first = layers_.front();
  if (first.activated || takes_condition(first)) return Branch<T>::forward_with_jacobian(pass, x);
  const Var h = ops::linear_with_unit_tangents(pass.tape, pass.parameter(first.weight),
                                               pass.parameter(first.bias), x);
  return forward_from(pass, 1, h, x.groups);
}

template <class T>
Var DenseBranch<T>::forward_from(const Pass<T>& pass, std::size_t first, Var x,
                                 std::size_t groups) const {
  for (std::size_t i = first; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const Parameter<T> w = pass.parameter(layer.weight), bias = pass.parameter(layer.bias);
    if (takes_condition(layer)) {
      if (layer.activated) x = activate(pass, layer, x, groups);
      x = ops::linear(pass.tape, w, bias, x, groups,
                      {pass.parameter(layer.condition), pass.condition});
    } else if (!layer.activated) {
      x = ops::linear(pass.tape, w, bias, x, groups);
    } else if (!concatenated_) {
      x = ops::activated_linear(pass.tape, activation_, pass.parameter(layer.parameter), w, bias, x,
                                groups);
    } else {
      x = ops::linear(pass.tape, w, bias, activate(pass, layer, x, groups), groups);
    }
  }
  return x;
}

template <class T>
std::size_t DenseBranch<T>::widest(const ParameterLayout& layout) const {
  std::size_t width = 0;
  for (const Layer& layer : layers_) {
    width = std::max({width, layout[layer.weight].rows, layout[layer.weight].columns});
  }
  return width;
}

namespace {

// [x, -x] of every group: from [G][width] -> to [G][2 width].
template <class T>
void mirror_groups(const T* from, T* to, std::size_t groups, std::size_t width) {
  const std::size_t row = width * kLanes;
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < row; ++i) {
      to[2 * g * row + i] = from[g * row + i];
      to[(2 * g + 1) * row + i] = -from[g * row + i];
    }
  }
}

}  // namespace

template <class T>
Linearised<T> DenseBranch<T>::evaluate(const Pass<T>& pass, const T* x, std::size_t groups) const {
  Linearised<T> result{groups, nullptr, {}};
  const auto space = pass.tape.workspace(widest(pass.layout) * groups * kLanes);
  const auto activated = pass.tape.workspace(widest(pass.layout) * groups * kLanes);
  for (const Layer& layer : layers_) {
    const Parameter<T> w = pass.parameter(layer.weight), bias = pass.parameter(layer.bias);
    const std::size_t size = w.columns * groups * kLanes;
    T* phi = nullptr;
    if (layer.activated) {
      if (concatenated_) {
        mirror_groups(x, activated.data(), groups, w.columns / 2);
        x = activated.data();
      }
      phi = pass.tape.scratch(size);
      const T a = has_parameter(activation_)
                      ? kernels::softplus(*pass.parameter(layer.parameter).value)
                      : T(1);
      kernels::activation_forward(activation_, a, x, activated.data(), phi, w.columns, groups, 0);
      if (concatenated_) {
        for (std::size_t i = 0; i < size; ++i)
          activated.data()[i] *= T(1 / kernels::kClipSwishLipschitz);
        for (std::size_t i = 0; i < size; ++i) phi[i] *= T(1 / kernels::kClipSwishLipschitz);
      }
      x = activated.data();
    }
    result.phi.push_back(phi);
    const bool last = &layer == &layers_.back();
    T* y = last ? pass.tape.scratch(w.rows * groups * kLanes) : space.data();
    kernels::matmul_with_bias(kernels::row_major(w.value, w.rows, w.columns), bias.value, groups, x,
                              y, groups);
    if (takes_condition(layer)) {
      const Parameter<T> v = pass.parameter(layer.condition);
      kernels::matmul(kernels::row_major(v.value, v.rows, v.columns), pass.condition, y, groups,
                      true);
    }
    x = y;
  }
  result.value = x;
  return result;
}

template <class T>
void DenseBranch<T>::jacobian_product(const Pass<T>& pass, const Linearised<T>& at, const T* t,
                                      T* out, std::size_t tangents) const {
  const std::size_t groups = tangents * at.groups;
  const auto space = pass.tape.workspace(widest(pass.layout) * groups * kLanes);
  const auto activated = pass.tape.workspace(widest(pass.layout) * groups * kLanes);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Parameter<T> w = pass.parameter(layers_[i].weight);
    if (layers_[i].activated) {
      const std::size_t size = w.columns * at.groups * kLanes;
      if (concatenated_) {
        mirror_groups(t, activated.data(), groups, w.columns / 2);
        t = activated.data();
      }
      for (std::size_t d = 0; d < tangents; ++d) {
        for (std::size_t j = 0; j < size; ++j) {
          activated.data()[d * size + j] = at.phi[i][j] * t[d * size + j];
        }
      }
      t = activated.data();
    }
    T* y = i + 1 == layers_.size() ? out : space.data();
    kernels::matmul(kernels::row_major(w.value, w.rows, w.columns), t, y, groups, false);
    t = y;
  }
}

template <class T>
void DenseBranch<T>::initialise(const ParameterLayout& layout, std::span<T> values,
                                std::uint64_t seed) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    Rng rng(seed, RngPurpose::kInit, layer.weight);
    const double gain = i + 1 == layers_.size() ? start_gain_ : 1;
    set_orthogonal(rng, layout[layer.weight], gain, values);
    const ParameterInfo& bias = layout[layer.bias];
    const double spread = i == 0 ? 2 / std::sqrt(static_cast<double>(bias.rows)) : 0;
    for (std::size_t r = 0; r < bias.rows; ++r) {
      values[bias.offset + r] = static_cast<T>(spread * (2 * rng.uniform() - 1));
    }
    if (takes_condition(layer)) {
      Rng own(seed, RngPurpose::kInit, layer.condition);
      set_orthogonal(own, layout[layer.condition], 1, values);
    }
    if (layer.parameter != layer.weight) {
      values[layout[layer.parameter].offset] =
          static_cast<T>(kernels::inverse_softplus(activation_start_));
    }
  }
}

template <class T>
double DenseBranch<T>::lipschitz_bound(std::span<const double> proved_norms) const {
  // Dividing by kernels::kClipSwishLipschitz leaves a concatenated activation at most 1.
  const double phi = concatenated_ ? 1 : lipschitz_constant(activation_);
  double bound = 1;
  for (const Layer& layer : layers_) {
    bound *= proved_norms[layer.weight];
    if (layer.activated) bound *= phi;
  }
  // each product may have rounded down by one unit in the last place
  return bound * (1 + 8 * kUnitRoundoff<double> * static_cast<double>(layers_.size()));
}

template <class T>
std::vector<BranchStage> DenseBranch<T>::stages(const ParameterLayout& layout,
                                                std::span<const double> values,
                                                std::span<const double> proved_norms) const {
  std::vector<BranchStage> stages;
  for (const Layer& layer : layers_) {
    const ParameterInfo& weight = layout[layer.weight];
    const ParameterInfo& bias = layout[layer.bias];
    const double* w = values.data() + weight.offset;
    BranchStage stage{.activation = std::nullopt,
                      .inputs = weight.columns,
                      .norm = proved_norms[layer.weight],
                      .absolute_norm = absolute_norm(w, weight.rows, weight.columns),
                      .row_norm = largest_row_norm(w, weight.rows, weight.columns),
                      .bias_norm = largest_row_norm(values.data() + bias.offset, 1, bias.rows),
                      .fan_in = weight.columns};
    if (layer.activated) {
      const double a = has_parameter(activation_)
                           ? kernels::softplus(values[layout[layer.parameter].offset])
                           : 1;
      stage.activation = activation_bounds({activation_, concatenated_}, a);
      if (concatenated_) stage.inputs /= 2;
    }
    if (takes_condition(layer)) {
      const ParameterInfo& v = layout[layer.condition];
      stage.condition = v.columns;
      stage.condition_norm = absolute_norm(values.data() + v.offset, v.rows, v.columns);
    }
    stages.push_back(stage);
  }
  return stages;
}

template <class T>
std::optional<BranchEnclosure> DenseBranch<T>::enclosure(const ParameterLayout& layout,
                                                         std::span<const double> values) const {
  const auto numbers = [&](std::size_t parameter) {
    const ParameterInfo& info = layout[parameter];
    return AlignedVector<double>(values.data() + info.offset,
                                 values.data() + info.offset + info.size());
  };
  std::vector<EnclosedStage> stages;
  for (const Layer& layer : layers_) {
    EnclosedStage stage;
    stage.rows = layout[layer.weight].rows;
    stage.columns = layout[layer.weight].columns;
    stage.weight = numbers(layer.weight);
    stage.bias = numbers(layer.bias);
    if (takes_condition(layer)) stage.condition = numbers(layer.condition);
    if (layer.activated) stage.activation = ChannelActivation{activation_, concatenated_};
    if (layer.parameter != layer.weight) {
      stage.activation_parameter = kernels::softplus(values[layout[layer.parameter].offset]);
    }
    stages.push_back(std::move(stage));
  }
  return BranchEnclosure(std::move(stages));
}

namespace {

// y += W x for the matrix that the parameter is.
template <class T>
void add_product(const Parameter<T>& w, const std::vector<Extended>& x, std::vector<Extended>& y) {
  for (std::size_t i = 0; i < w.rows; ++i) {
    for (std::size_t j = 0; j < w.columns; ++j) y[i] += w.value[i * w.columns + j] * x[j];
  }
}

}  // namespace

template <class T>
std::vector<Extended> DenseBranch<T>::extended_value(const Pass<T>& pass,
                                                     const std::vector<Extended>& x,
                                                     const std::vector<Extended>& c) const {
  std::vector<Extended> z = x;
  for (const Layer& layer : layers_) {
    if (layer.activated) {
      const Extended a = has_parameter(activation_)
                             ? kernels::softplus<Extended>(*pass.parameter(layer.parameter).value)
                             : 1;
      z = kernels::extended_activation({activation_, concatenated_}, a, z);
    }
    const Parameter<T> bias = pass.parameter(layer.bias);
    std::vector<Extended> y(bias.value, bias.value + bias.rows);
    add_product(pass.parameter(layer.weight), z, y);
    if (takes_condition(layer)) add_product(pass.parameter(layer.condition), c, y);
    z = std::move(y);
  }
  return z;
}

template class DenseBranch<float>;
template class DenseBranch<double>;

}  // namespace iflow
