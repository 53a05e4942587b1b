#include "nn/convolutional_branch.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "autodiff/ops.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/rounding.h"
#include "kernels/softplus.h"
#include "nn/activations.h"
#include "nn/orthogonal.h"

namespace iflow {

namespace {

constexpr std::size_t kMaxSide = 255;  // of a kernel

void check(const ConvolutionalBranchConfig& c, const std::string& prefix) {
  if (!(c.coefficient > 0 && c.coefficient < 1)) {
    throw UsageError(prefix + ": the coefficient must lie between 0 and 1, got " +
                     std::to_string(c.coefficient));
  }
  if (!(c.activation_start > 0)) {
    throw UsageError(prefix + ": the activation's parameter must start above 0, got " +
                     std::to_string(c.activation_start));
  }
  if (!(c.start_gain >= 0 && c.start_gain <= 1)) {
    throw UsageError(prefix + ": the initial gain must lie between 0 and 1, got " +
                     std::to_string(c.start_gain));
  }
  if (c.image.size() == 0) throw UsageError(prefix + ": the images are empty");
  if (c.filters.empty()) throw UsageError(prefix + ": a branch needs two convolutions");
  if (c.sides.size() != c.filters.size() + 1) {
    throw UsageError(prefix + ": a branch needs one more kernel than filters between them");
  }
  for (const std::size_t side : c.sides) {
    if (side % 2 == 0) throw UsageError(prefix + ": the side of a kernel must be odd");
    if (side > kMaxSide) {
      throw UsageError(prefix + ": the side of a kernel must be at most " +
                       std::to_string(kMaxSide));
    }
  }
  if (std::count(c.filters.begin(), c.filters.end(), 0) > 0) {
    throw UsageError(prefix + ": a layer can't have 0 filters");
  }
}

}  // namespace

template <class T>
ConvolutionalBranch<T>::ConvolutionalBranch(const ConvolutionalBranchConfig& config,
                                            ParameterLayout& layout, const std::string& prefix)
    : phi_(find_activation(config.activation)),
      activation_start_(config.activation_start),
      start_gain_(config.start_gain) {
  check(config, prefix);
  std::vector<std::size_t> channels = {config.image.channels};
  channels.insert(channels.end(), config.filters.begin(), config.filters.end());
  channels.push_back(config.outputs > 0 ? config.outputs : config.image.channels);
  for (std::size_t i = 0; i < config.sides.size(); ++i) {
    const std::string name = prefix + "." + std::to_string(i);
    Layer layer{};
    layer.activated = i > 0 || config.activation_first;
    layer.channels = channels[i];
    const std::size_t inputs = layer.activated ? phi_.outputs(channels[i]) : channels[i];
    layer.shape = {config.image.height, config.image.width, inputs, channels[i + 1],
                   config.sides[i]};
    layer.weight =
        layout.add(name + ".weight", layer.shape, config.bounded ? config.coefficient : 0);
    layer.bias = layout.add(name + ".bias", channels[i + 1], 1);
    layer.parameter = layer.weight;
    if (layer.activated && has_parameter(phi_.kind)) {
      layer.parameter = layout.add(name + ".activation", 1, 1);
    }
    layers_.push_back(layer);
  }
}

template <class T>
Var ConvolutionalBranch<T>::forward(const Pass<T>& pass, Var x, std::size_t groups) const {
  for (const Layer& layer : layers_) x = forward(pass, layer, x, groups, {});
  return x;
}

template <class T>
Var ConvolutionalBranch<T>::forward_at(const Pass<T>& pass, const Linearised<T>& at, Var x) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = forward(pass, layers_[i], x, at.groups, {at.outputs[i], at.phi[i]});
  }
  return x;
}

template <class T>
Var ConvolutionalBranch<T>::forward(const Pass<T>& pass, const Layer& layer, Var x,
                                    std::size_t groups, const ops::KnownValues<T>& known) const {
  const Parameter<T> w = pass.parameter(layer.weight), bias = pass.parameter(layer.bias);
  if (!layer.activated) return ops::convolution(pass.tape, layer.shape, w, bias, x, groups, known);
  return ops::activated_convolution(pass.tape, phi_, pass.parameter(layer.parameter), layer.shape,
                                    w, bias, x, groups, known);
}

template <class T>
T ConvolutionalBranch<T>::activation_parameter(const Pass<T>& pass, const Layer& layer) const {
  return has_parameter(phi_.kind) ? kernels::softplus(*pass.parameter(layer.parameter).value)
                                  : T(1);
}

template <class T>
std::size_t ConvolutionalBranch<T>::widest() const {
  std::size_t channels = 0;
  for (const Layer& layer : layers_) {
    channels = std::max({channels, layer.shape.inputs, layer.shape.outputs});
  }
  return channels * layers_.front().shape.pixels() * kLanes;
}

template <class T>
Linearised<T> ConvolutionalBranch<T>::evaluate(const Pass<T>& pass, const T* x,
                                               std::size_t groups) const {
  Linearised<T> result{groups, nullptr, std::vector<const T*>(layers_.size(), nullptr)};
  const auto activated = pass.tape.workspace(widest() * groups);
  for (const Layer& layer : layers_) {
    if (layer.activated) {
      kernels::channel_activation_forward<T>(phi_, activation_parameter(pass, layer), x,
                                             activated.data(), nullptr, layer.channels,
                                             groups * layer.shape.pixels(), 0);
      x = activated.data();
    }
    T* y = pass.tape.scratch(groups * layer.shape.pixels() * layer.shape.outputs * kLanes);
    kernels::convolve(layer.shape, pass.parameter(layer.weight).value,
                      pass.parameter(layer.bias).value, groups, x, y, groups);
    result.outputs.push_back(y);
    x = y;
  }
  result.value = x;
  return result;
}

template <class T>
void ConvolutionalBranch<T>::complete(const Pass<T>& pass, const T* x, Linearised<T>& at) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (!layer.activated) continue;
    const std::size_t pixels = at.groups * layer.shape.pixels();
    T* kept = pass.tape.scratch(pixels * phi_.kept(layer.channels) * kLanes);
    kernels::channel_activation_keep(phi_, activation_parameter(pass, layer),
                                     i == 0 ? x : at.outputs[i - 1], kept, layer.channels, pixels);
    at.phi[i] = kept;
  }
}

template <class T>
void ConvolutionalBranch<T>::jacobian_product(const Pass<T>& pass, const Linearised<T>& at,
                                              const T* t, T* out, std::size_t tangents) const {
  const std::size_t groups = tangents * at.groups;
  const auto space = pass.tape.workspace(widest() * groups);
  const auto activated = pass.tape.workspace(widest() * groups);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (layer.activated) {
      kernels::channel_activation_tangents(phi_, at.phi[i], t, activated.data(), layer.channels,
                                           at.groups * layer.shape.pixels(), tangents);
      t = activated.data();
    }
    T* y = i + 1 == layers_.size() ? out : space.data();
    kernels::convolve<T>(layer.shape, pass.parameter(layer.weight).value, nullptr, 0, t, y, groups);
    t = y;
  }
}

template <class T>
void ConvolutionalBranch<T>::initialise(const ParameterLayout& layout, std::span<T> values,
                                        std::uint64_t seed) const {
  for (const Layer& layer : layers_) {
    const ParameterInfo& weight = layout[layer.weight];
    const double gain = &layer == &layers_.back() ? start_gain_ : 1;
    Rng rng(seed, RngPurpose::kInit, layer.weight);
    const Eigen::MatrixXd w = random_orthogonal(rng, static_cast<Eigen::Index>(weight.rows),
                                                static_cast<Eigen::Index>(weight.columns));
    for (std::size_t i = 0; i < weight.size(); ++i) {
      values[weight.offset + i] =
          static_cast<T>(gain * w(static_cast<Eigen::Index>(i / weight.columns),
                                  static_cast<Eigen::Index>(i % weight.columns)));
    }
    const ParameterInfo& bias = layout[layer.bias];
    std::fill_n(values.data() + bias.offset, bias.size(), T(0));
    if (layer.parameter != layer.weight) {
      values[layout[layer.parameter].offset] =
          static_cast<T>(kernels::inverse_softplus(activation_start_));
    }
  }
}

template <class T>
double ConvolutionalBranch<T>::lipschitz_bound(std::span<const double> proved_norms) const {
  double bound = 1;
  for (const Layer& layer : layers_) {
    bound *= proved_norms[layer.weight];
    if (layer.activated) bound *= lipschitz_constant(phi_);
  }
  // each product may have rounded down by one unit in the last place
  return bound * (1 + 8 * kUnitRoundoff<double> * static_cast<double>(layers_.size()));
}

namespace {

// A bound of the norm of the operator of absolute values: the root of its largest row sum, at most
// that of an output channel, times its largest column sum, at most that of an input channel.
double absolute_convolution_norm(const kernels::ConvolutionShape& shape, const double* w) {
  double largest_row = 0;
  std::vector<double> column_sums(shape.inputs, 0);
  for (std::size_t o = 0; o < shape.outputs; ++o) {
    double row = 0;
    for (std::size_t j = 0; j < shape.columns(); ++j) {
      const double a = std::fabs(w[o * shape.columns() + j]);
      row += a;
      column_sums[j % shape.inputs] += a;
    }
    largest_row = std::max(largest_row, row);
  }
  const double largest_column = *std::max_element(column_sums.begin(), column_sums.end());
  return std::sqrt(largest_row * largest_column) * kUpAfterMillions;
}

}  // namespace

template <class T>
std::vector<BranchStage> ConvolutionalBranch<T>::stages(
    const ParameterLayout& layout, std::span<const double> values,
    std::span<const double> proved_norms) const {
  std::vector<BranchStage> stages;
  for (const Layer& layer : layers_) {
    const kernels::ConvolutionShape& shape = layer.shape;
    const double* w = values.data() + layout[layer.weight].offset;
    const double* bias = values.data() + layout[layer.bias].offset;
    const double pixels = static_cast<double>(shape.pixels());
    BranchStage stage{.activation = std::nullopt,
                      .inputs = layer.channels * shape.pixels(),
                      .norm = proved_norms[layer.weight],
                      .absolute_norm = absolute_convolution_norm(shape, w),
                      .row_norm = largest_row_norm(w, shape.outputs, shape.columns()),
                      .bias_norm = std::sqrt(pixels) * largest_row_norm(bias, 1, shape.outputs),
                      .fan_in = shape.columns()};
    if (layer.activated) {
      const double a =
          has_parameter(phi_.kind) ? kernels::softplus(values[layout[layer.parameter].offset]) : 1;
      stage.activation = activation_bounds(phi_, a);
    }
    stages.push_back(stage);
  }
  return stages;
}

template class ConvolutionalBranch<float>;
template class ConvolutionalBranch<double>;

}  // namespace iflow
