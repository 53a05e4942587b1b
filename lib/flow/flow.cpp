#include "flow/flow.h"

#include <algorithm>
#include <utility>

#include "autodiff/ops.h"
#include "base/rng.h"
#include "nn/lipschitz.h"

namespace iflow {

template <class T>
Flow<T>::Flow(std::size_t dimension, ParameterLayout layout,
              std::vector<std::unique_ptr<Layer<T>>> layers, std::vector<std::string> kinds,
              std::size_t prefix_layers)
    : dimension_(dimension),
      layout_(std::move(layout)),
      layers_(std::move(layers)),
      kinds_(std::move(kinds)),
      prefix_layers_(prefix_layers) {}

template <class T>
Transformed Flow<T>::forward(const Pass<T>& pass, Var x, std::size_t begin, std::size_t end) const {
  if (!pass.tape.recording()) return forward_in_place(pass, x, begin, end);
  Transformed result = layers_[begin]->forward(pass, x);
  for (std::size_t i = begin + 1; i < end; ++i) {
    const Transformed next = layers_[i]->forward(pass, result.y);
    result = {next.y, ops::add(pass.tape, result.log_det, next.log_det)};
  }
  return result;
}

// Without recording, what a layer leaves on the tape is given back before the next one, so that the
// working set stays in cache.
template <class T>
Transformed Flow<T>::forward_in_place(const Pass<T>& pass, Var x, std::size_t begin,
                                      std::size_t end) const {
  Tape<T>& tape = pass.tape;
  const Transformed result{tape.variable(x.elements, x.groups), tape.variable(1, x.groups)};
  T* ys = tape.value(result.y);
  T* log_det = tape.value(result.log_det);
  std::copy_n(tape.value(x), x.size(), ys);
  std::fill_n(log_det, result.log_det.size(), T(0));
  for (std::size_t i = begin; i < end; ++i) {
    const auto mark = tape.mark();
    const Transformed next = layers_[i]->forward(pass, result.y);
    std::copy_n(tape.value(next.y), x.size(), ys);
    for (std::size_t l = 0; l < result.log_det.size(); ++l) {
      log_det[l] += tape.value(next.log_det)[l];
    }
    tape.rewind(mark);
  }
  return result;
}

template <class T>
Var Flow<T>::log_density(const Pass<T>& pass, Var x, std::size_t first_layer) const {
  const Transformed z = forward(pass, x, first_layer, layers_.size());
  return ops::add(pass.tape, ops::log_standard_normal(pass.tape, z.y), z.log_det);
}

namespace {

// A layer's own seed.
std::uint64_t layer_seed(std::uint64_t seed, std::size_t layer) {
  return Rng(seed, RngPurpose::kProbe, layer).next_u64();
}

}  // namespace

template <class T>
Var Flow<T>::transform(const Pass<T>& pass, Var x) const {
  Tape<T>& tape = pass.tape;
  const Var y = tape.variable(x.elements, x.groups);
  std::copy_n(tape.value(x), x.size(), tape.value(y));
  for (const auto& layer : layers_) {
    const auto mark = tape.mark();
    const Var next = layer->transform(pass, y);
    std::copy_n(tape.value(next), x.size(), tape.value(y));
    tape.rewind(mark);
  }
  return y;
}

template <class T>
LogDetSamples Flow<T>::sample_log_density(const Pass<T>& pass, Var x,
                                          LogDetSampling sampling) const {
  Tape<T>& tape = pass.tape;
  const std::size_t lanes = x.groups * kLanes, size = sampling.probes * lanes;
  LogDetSamples samples{std::vector<double>(size, 0), std::vector<double>(size, 0)};
  const std::uint64_t seed = sampling.seed;
  const Var y = tape.variable(x.elements, x.groups);
  std::copy_n(tape.value(x), x.size(), tape.value(y));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto mark = tape.mark();
    sampling.seed = layer_seed(seed, i);
    const Var next = layers_[i]->sample_log_det(pass, y, sampling, samples);
    std::copy_n(tape.value(next), x.size(), tape.value(y));
    tape.rewind(mark);
  }
  const T* base = tape.value(ops::log_standard_normal(tape, y));
  for (std::size_t i = 0; i < size; ++i) {
    samples.values[i] += static_cast<double>(base[i % lanes]);
  }
  return samples;
}

template <class T>
void Flow<T>::learn(const Learning& learning, Var x, std::size_t first_layer, const T* weights,
                    T* log_p) const {
  Tape<T>&inputs = learning.inputs, &tape = learning.layer;
  const std::size_t lanes = x.groups * kLanes;
  std::vector<Var> reaching = {x};  // the input of every layer, and z
  for (std::size_t i = first_layer; i < layers_.size(); ++i) {
    reaching.push_back(layers_[i]->transform({inputs, layout_, learning.values}, reaching.back()));
  }
  const auto copied = [&](Var from) {
    const Var v = tape.variable(from.elements, from.groups);
    std::copy_n(inputs.value(from), from.size(), tape.value(v));
    return v;
  };
  T* dy = inputs.scratch(x.size());
  const auto pull_back = [&](Var input) {
    tape.backward();
    std::copy_n(tape.adjoint(input).data, input.size(), dy);
  };
  tape.clear();
  const Var z = copied(reaching.back());
  const Var base = ops::log_standard_normal(tape, z);
  std::copy_n(tape.value(base), lanes, log_p);
  std::copy_n(weights, lanes, tape.adjoint(base).data);
  pull_back(z);
  for (std::size_t i = layers_.size(); i-- > first_layer;) {
    tape.clear();
    const Pass<T> pass{tape, layout_, learning.values, learning.gradients};
    const Var input = copied(reaching[i - first_layer]);
    const Learnable<T> output = layers_[i]->forward_to_learn(
        pass, input,
        {learning.log_det, layer_seed(learning.seed, i), learning.shard, learning.rows});
    for (std::size_t l = 0; l < lanes; ++l) log_p[l] += output.log_det[l];
    std::copy_n(dy, x.size(), tape.adjoint(output.y).data);
    std::copy_n(weights, lanes, tape.adjoint(output.surrogate.var).data);
    pull_back(input);
  }
}

template <class T>
void Flow<T>::initialise(std::span<T> values, Tape<T>& tape, Var x, std::uint64_t seed) const {
  const Pass<T> pass{tape, layout_, values.data()};
  for (std::size_t i = prefix_layers_; i < layers_.size(); ++i) {
    layers_[i]->initialise(pass, values, x, seed);
    x = layers_[i]->transform(pass, x);
  }
}

template <class T>
std::vector<double> Flow<T>::prove(std::span<const double> values) {
  const std::vector<double> norms = proved_norms(layout_, values);
  std::vector<double> bounds;
  for (const auto& layer : layers_) {
    layer->set_proved_norms(norms);
    bounds.push_back(layer->residual_lipschitz());
  }
  return bounds;
}

template class Flow<float>;
template class Flow<double>;

}  // namespace iflow
