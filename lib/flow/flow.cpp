#include "flow/flow.h"

#include <algorithm>
#include <utility>

#include "autodiff/ops.h"
#include "base/parallel.h"
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
void Flow<T>::initialise(std::span<T> values, const FirstRows& rows, std::uint64_t seed) const {
  for (std::size_t i = prefix_layers_; i < layers_.size(); ++i) {
    const auto mark = rows.tape.mark();
    layers_[i]->initialise({rows.tape, layout_, values.data(), nullptr, rows.condition}, values,
                           rows.x, rows.weights, seed);
    rows.tape.rewind(mark);
    if (i + 1 < layers_.size()) pass_layer(i, values.data(), rows);
  }
}

// Sends the rows through a layer in place, in parts, so that many of them need no more memory.
template <class T>
void Flow<T>::pass_layer(std::size_t i, const T* values, const FirstRows& rows) const {
  constexpr std::size_t kPartGroups = 16;
  const std::size_t parts = (rows.x.groups + kPartGroups - 1) / kPartGroups;
  T* xs = rows.tape.value(rows.x);
  parallel_for(parts, [&](std::size_t part) {
    thread_local Tape<T> tape(false);
    tape.clear();
    const std::size_t first = part * kPartGroups;
    const Var x = tape.variable(rows.x.elements, std::min(kPartGroups, rows.x.groups - first));
    T* at = xs + first * rows.x.elements * kLanes;
    std::copy_n(at, x.size(), tape.value(x));
    const Pass<T> pass{tape, layout_, values, nullptr,
                       rows.condition + first * rows.condition_size * kLanes};
    std::copy_n(tape.value(layers_[i]->transform(pass, x)), x.size(), at);
  });
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
