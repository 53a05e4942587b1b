#include "flow/flow.h"

#include <algorithm>
#include <utility>

#include "autodiff/ops.h"
#include "base/rng.h"
#include "nn/lipschitz.h"

namespace iflow {

std::vector<double> FlowCertificate::residual_lipschitz() const {
  std::vector<double> bounds;
  for (const Certificate& layer : layers) bounds.push_back(layer.residual_lipschitz());
  return bounds;
}

template <class T>
Flow<T>::Flow(std::size_t dimension, ParameterLayout layout,
              std::vector<std::unique_ptr<Layer<T>>> layers, std::vector<std::string> kinds,
              std::vector<std::size_t> offsets, std::size_t prefix_layers)
    : dimension_(dimension),
      layout_(std::move(layout)),
      layers_(std::move(layers)),
      kinds_(std::move(kinds)),
      offsets_(std::move(offsets)),
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

namespace {

// y, and samples of ln |det| for every row, added to `samples`.
template <class T>
Var sample_log_det(const Layer<T>& layer, const Pass<T>& pass, Var x,
                   const Certificate& certificate, const LogDetDraw& draw, LogDetSamples& samples) {
  if (const EstimatedLogDet<T>* estimated = layer.estimated()) {
    return estimated->sample_log_det(pass, x, certificate, draw, samples);
  }
  const Transformed exact = layer.forward(pass, x);
  const T* log_det = pass.tape.value(exact.log_det);
  for (std::size_t i = 0; i < draw.options.probes * exact.log_det.size(); ++i) {
    samples.values[i] += static_cast<double>(log_det[i % exact.log_det.size()]);
  }
  return exact.y;
}

}  // namespace

template <class T>
LogDetSamples Flow<T>::sample_log_density(const Pass<T>& pass, Var x,
                                          const FlowCertificate& certificate,
                                          const LogDetDraw& draw) const {
  Tape<T>& tape = pass.tape;
  const std::size_t lanes = x.groups * kLanes, size = draw.options.probes * lanes;
  LogDetSamples samples{std::vector<double>(size, 0), std::vector<double>(size, 0)};
  LogDetOptions of_layer = draw.options;
  of_layer.max_bound /= static_cast<double>(
      std::count_if(certificate.layers.begin(), certificate.layers.end(),
                    [](const Certificate& layer) { return layer.residual_lipschitz() > 0; }));
  const Var y = tape.variable(x.elements, x.groups);
  std::copy_n(tape.value(x), x.size(), tape.value(y));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto mark = tape.mark();
    const Var next = sample_log_det(*layers_[i], pass, y, certificate.layers[i],
                                    {of_layer, layer_seed(draw.seed, i), draw.rows}, samples);
    std::copy_n(tape.value(next), x.size(), tape.value(y));
    tape.rewind(mark);
  }
  const T* base = tape.value(ops::log_standard_normal(tape, y));
  for (std::size_t i = 0; i < size; ++i) {
    samples.values[i] += static_cast<double>(base[i % lanes]);
  }
  return samples;
}

namespace {

std::vector<GroupRange> cut(std::size_t groups, std::size_t tile_groups) {
  std::vector<GroupRange> parts;
  for (std::size_t first = 0; first < groups; first += tile_groups) {
    parts.push_back({first, std::min(tile_groups, groups - first)});
  }
  return parts;
}

// `values` [G][elements], a part of them as a variable on the tape.
template <class T>
Var part_of(Tape<T>& tape, const T* values, std::size_t elements, GroupRange part) {
  const Var v = tape.variable(elements, part.groups);
  std::copy_n(values + part.first * elements * kLanes, v.size(), tape.value(v));
  return v;
}

}  // namespace

template <class T>
std::size_t Flow<T>::layers_on_tape(const Learning& learning) const {
  if (learning.log_det.method != LogDetMethod::kExact) return 1;
  constexpr std::size_t kCacheBytes = std::size_t{1} << 20U;
  // About what a layer leaves: what its matrices map to, before and behind an activation, with a
  // tangent for every column.
  std::size_t outputs = 0;
  for (const ParameterInfo& info : layout_.entries()) outputs += info.columns > 1 ? info.rows : 0;
  const std::size_t bytes =
      2 * outputs / layers_.size() * (1 + dimension_) * learning.tile_groups * kLanes * sizeof(T);
  return std::max<std::size_t>(kCacheBytes / std::max<std::size_t>(bytes, 1), 1);
}

template <class T>
Pass<T> Flow<T>::pass_of(const Learning& learning, Tape<T>& tape, T* gradients,
                         GroupRange part) const {
  return {tape, layout_, learning.values, gradients,
          learning.condition + part.first * learning.condition_size * kLanes};
}

template <class T>
void Flow<T>::learn(const Learning& learning, Var x, std::size_t first_layer, const T* weights,
                    T* log_p) const {
  Tape<T>& inputs = learning.inputs;
  const std::size_t d = x.elements, together = layers_on_tape(learning);
  const std::vector<GroupRange> parts = cut(x.groups, learning.tile_groups);
  std::vector<Stretch> stretches = {{first_layer, inputs.value(x), {}}};
  while (stretches.back().begin + together < layers_.size()) {
    Stretch& stretch = stretches.back();
    T* y = inputs.scratch(x.size());
    for (const GroupRange part : parts) pass_on(learning, stretch, together, part, y);
    stretches.push_back({stretch.begin + together, y, {}});
  }
  T* dy = inputs.scratch(x.size());  // the adjoint of what left the stretch, then of its input
  std::fill_n(log_p, x.groups * kLanes, T(0));
  std::size_t end = layers_.size();
  for (std::size_t k = stretches.size(); k-- > 0; end = stretches[k].begin) {
    const Stretch& stretch = stretches[k];
    std::fill(learning.gradients + offsets_[stretch.begin], learning.gradients + offsets_[end],
              T(0));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t lane = parts[i].first * kLanes;
      const bool known = !stretch.known.empty() && stretch.known[i];
      learn_tile(learning, stretch.begin, end,
                 {stretch.x, known ? &*stretch.known[i] : nullptr, parts[i], weights + lane,
                  log_p + lane, dy + lane * d});
    }
  }
}

namespace {

template <class T>
Prepared<T> prepare_to_learn(const Layer<T>& layer, const Pass<T>& pass, Var x,
                             const LogDetOptions& options) {
  const EstimatedLogDet<T>* estimated = layer.estimated();
  if (estimated != nullptr) return estimated->prepare_to_learn(pass, x, options);
  return {layer.transform(pass, x), std::nullopt};
}

template <class T>
Learnable<T> forward_to_learn(const Layer<T>& layer, const Pass<T>& pass, Var x,
                              const LogDetDraw& draw, const Linearised<T>* known) {
  const EstimatedLogDet<T>* estimated = layer.estimated();
  if (estimated != nullptr) return estimated->forward_to_learn(pass, x, draw, known);
  const Transformed exact = layer.forward(pass, x);
  return {exact.y, {exact.log_det}, pass.tape.value(exact.log_det)};
}

}  // namespace

template <class T>
void Flow<T>::pass_on(const Learning& learning, Stretch& stretch, std::size_t layers,
                      GroupRange part, T* y) const {
  Tape<T>& tape = learning.inputs;
  const Pass<T> pass = pass_of(learning, tape, nullptr, part);
  const auto mark = tape.mark();
  Prepared<T> next{part_of(tape, stretch.x, dimension_, part), std::nullopt};
  for (std::size_t i = stretch.begin; i < stretch.begin + layers; ++i) {
    next = prepare_to_learn(*layers_[i], pass, next.y, learning.log_det);
  }
  std::copy_n(tape.value(next.y), next.y.size(), y + part.first * dimension_ * kLanes);
  // What is known stays on the tape.
  if (!next.known) tape.rewind(mark);
  stretch.known.push_back(std::move(next.known));
}

template <class T>
void Flow<T>::learn_tile(const Learning& learning, std::size_t begin, std::size_t end,
                         const Tile& tile) const {
  Tape<T>& tape = learning.tape;
  const Pass<T> pass = pass_of(learning, tape, learning.gradients, tile.part);
  const std::size_t lanes = tile.part.groups * kLanes;
  const bool exact = learning.log_det.method == LogDetMethod::kExact;
  tape.clear();
  const Var x = part_of(tape, tile.x, dimension_, tile.part);
  Var y = x;
  for (std::size_t i = begin; i < end; ++i) {
    // an exact log-determinant draws nothing
    const std::uint64_t seed = exact ? 0 : layer_seed(learning.seed, i);
    const Learnable<T> output =
        forward_to_learn(*layers_[i], pass, y,
                         {learning.log_det, seed, learning.rows + tile.part.first * kLanes,
                          learning.shard, learning.jacobian_penalty},
                         tile.known);
    for (std::size_t l = 0; l < lanes; ++l) tile.log_p[l] += output.log_det[l];
    std::copy_n(tile.weights, lanes, tape.adjoint(output.surrogate.var).data);
    y = output.y;
  }
  if (end == layers_.size()) {
    const Var base = ops::log_standard_normal(tape, y);
    for (std::size_t l = 0; l < lanes; ++l) tile.log_p[l] += tape.value(base)[l];
    std::copy_n(tile.weights, lanes, tape.adjoint(base).data);
  } else {
    std::copy_n(tile.dy, x.size(), tape.adjoint(y).data);
  }
  tape.backward();
  std::copy_n(tape.adjoint(x).data, x.size(), tile.dy);
}

template <class T>
void Flow<T>::initialise(std::span<T> values, Tape<T>& tape, Var x, std::uint64_t seed,
                         const T* condition) const {
  const Pass<T> pass{tape, layout_, values.data(), nullptr, condition};
  for (std::size_t i = prefix_layers_; i < layers_.size(); ++i) {
    layers_[i]->initialise(pass, values, x, seed);
    x = layers_[i]->transform(pass, x);
  }
}

template <class T>
FlowCertificate Flow<T>::prove(std::span<const double> values) const {
  const std::vector<double> norms = proved_norms(layout_, values);
  FlowCertificate certificate;
  for (const auto& layer : layers_) {
    certificate.layers.push_back(layer->prove(layout_, values, norms));
  }
  return certificate;
}

template class Flow<float>;
template class Flow<double>;

}  // namespace iflow
