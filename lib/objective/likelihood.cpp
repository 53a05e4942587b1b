#include "objective/likelihood.h"

#include <algorithm>
#include <utility>

#include "autodiff/ops.h"
#include "base/rng.h"
#include "objective/base_density.h"

namespace iflow {

template <class T>
Var Likelihood<T>::log_density(const Pass<T>& pass, Var x, std::size_t first_layer) const {
  const Layer<T>& last = flow_.layer(flow_.layer_count() - 1);
  if (first_layer + 1 >= flow_.layer_count()) {
    if (const std::optional<Var> log_p = last.log_density(pass, x)) return *log_p;
    const Transformed z = flow_.forward(pass, x, first_layer, flow_.layer_count());
    return ops::add(pass.tape, log_base_density(pass.tape, z.y), z.log_det);
  }
  const Transformed y = flow_.forward(pass, x, first_layer, flow_.layer_count() - 1);
  if (const std::optional<Var> log_p = last.log_density(pass, y.y)) {
    return ops::add(pass.tape, *log_p, y.log_det);
  }
  const Transformed z = last.forward(pass, y.y);
  const Var log_det = ops::add(pass.tape, y.log_det, z.log_det);
  return ops::add(pass.tape, log_base_density(pass.tape, z.y), log_det);
}

namespace {

// A layer's own seed.
std::uint64_t layer_seed(std::uint64_t seed, std::size_t layer) {
  return Rng(seed, RngPurpose::kProbe, layer, RngStream::kLayer).next_u64();
}

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
LogDetSamples Likelihood<T>::sample_log_density(const Pass<T>& pass, Var x,
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
  for (std::size_t i = 0; i < flow_.layer_count(); ++i) {
    const auto mark = tape.mark();
    const Var next = sample_log_det(flow_.layer(i), pass, y, certificate.layers[i],
                                    {of_layer, layer_seed(draw.seed, i), draw.rows}, samples);
    std::copy_n(tape.value(next), x.size(), tape.value(y));
    tape.rewind(mark);
  }
  const T* base = tape.value(log_base_density(tape, y));
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
std::size_t Likelihood<T>::layers_on_tape(const Learning& learning) const {
  if (learning.log_det.method != LogDetMethod::kExact) return 1;
  constexpr std::size_t kCacheBytes = std::size_t{1} << 20U;
  // About what a layer leaves: what its matrices map to, before and behind an activation, with a
  // tangent for every column.
  std::size_t outputs = 0;
  for (const ParameterInfo& info : flow_.layout().entries()) {
    outputs += info.columns > 1 ? info.rows : 0;
  }
  const std::size_t bytes = 2 * outputs / flow_.layer_count() * (1 + flow_.dimension()) *
                            learning.tile_groups * kLanes * sizeof(T);
  return std::max<std::size_t>(kCacheBytes / std::max<std::size_t>(bytes, 1), 1);
}

template <class T>
Pass<T> Likelihood<T>::pass_of(const Learning& learning, Tape<T>& tape, T* gradients,
                               GroupRange part) const {
  return {tape, flow_.layout(), learning.values, gradients,
          learning.condition + part.first * learning.condition_size * kLanes};
}

template <class T>
void Likelihood<T>::learn(const Learning& learning, Var x, std::size_t first_layer,
                          const T* weights, T* log_p) const {
  Tape<T>& inputs = learning.inputs;
  const std::size_t d = x.elements, together = layers_on_tape(learning);
  const std::vector<GroupRange> parts = cut(x.groups, learning.tile_groups);
  std::vector<Stretch> stretches = {{first_layer, inputs.value(x), {}}};
  while (stretches.back().begin + together < flow_.layer_count()) {
    Stretch& stretch = stretches.back();
    T* y = inputs.scratch(x.size());
    for (const GroupRange part : parts) pass_on(learning, stretch, together, part, y);
    stretches.push_back({stretch.begin + together, y, {}});
  }
  T* dy = inputs.scratch(x.size());  // the adjoint of what left the stretch, then of its input
  std::fill_n(log_p, x.groups * kLanes, T(0));
  std::size_t end = flow_.layer_count();
  for (std::size_t k = stretches.size(); k-- > 0; end = stretches[k].begin) {
    const Stretch& stretch = stretches[k];
    std::fill(learning.gradients + flow_.first_parameter(stretch.begin),
              learning.gradients + flow_.first_parameter(end), T(0));
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
void Likelihood<T>::pass_on(const Learning& learning, Stretch& stretch, std::size_t layers,
                            GroupRange part, T* y) const {
  Tape<T>& tape = learning.inputs;
  const Pass<T> pass = pass_of(learning, tape, nullptr, part);
  const auto mark = tape.mark();
  Prepared<T> next{part_of(tape, stretch.x, flow_.dimension(), part), std::nullopt};
  for (std::size_t i = stretch.begin; i < stretch.begin + layers; ++i) {
    next = prepare_to_learn(flow_.layer(i), pass, next.y, learning.log_det);
  }
  std::copy_n(tape.value(next.y), next.y.size(), y + part.first * flow_.dimension() * kLanes);
  // What is known stays on the tape.
  if (!next.known) tape.rewind(mark);
  stretch.known.push_back(std::move(next.known));
}

template <class T>
void Likelihood<T>::learn_tile(const Learning& learning, std::size_t begin, std::size_t end,
                               const Tile& tile) const {
  Tape<T>& tape = learning.tape;
  const Pass<T> pass = pass_of(learning, tape, learning.gradients, tile.part);
  const std::size_t lanes = tile.part.groups * kLanes;
  const bool exact = learning.log_det.method == LogDetMethod::kExact;
  tape.clear();
  const Var x = part_of(tape, tile.x, flow_.dimension(), tile.part);
  Var y = x;
  for (std::size_t i = begin; i < end; ++i) {
    // an exact log-determinant draws nothing
    const std::uint64_t seed = exact ? 0 : layer_seed(learning.seed, i);
    const Learnable<T> output =
        forward_to_learn(flow_.layer(i), pass, y,
                         {learning.log_det, seed, learning.rows + tile.part.first * kLanes,
                          learning.shard, learning.jacobian_penalty},
                         tile.known);
    for (std::size_t l = 0; l < lanes; ++l) tile.log_p[l] += output.log_det[l];
    std::copy_n(tile.weights, lanes, tape.adjoint(output.surrogate.var).data);
    y = output.y;
  }
  if (end == flow_.layer_count()) {
    const Var base = log_base_density(tape, y);
    for (std::size_t l = 0; l < lanes; ++l) tile.log_p[l] += tape.value(base)[l];
    std::copy_n(tile.weights, lanes, tape.adjoint(base).data);
  } else {
    std::copy_n(tile.dy, x.size(), tape.adjoint(y).data);
  }
  tape.backward();
  std::copy_n(tape.adjoint(x).data, x.size(), tile.dy);
}

template class Likelihood<float>;
template class Likelihood<double>;

}  // namespace iflow
