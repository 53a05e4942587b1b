#include "flow/flow.h"

#include <utility>

#include "autodiff/ops.h"
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
  Transformed result = layers_[begin]->forward(pass, x);
  for (std::size_t i = begin + 1; i < end; ++i) {
    const Transformed next = layers_[i]->forward(pass, result.y);
    result = {next.y, ops::add(pass.tape, result.log_det, next.log_det)};
  }
  return result;
}

template <class T>
Var Flow<T>::log_density(const Pass<T>& pass, Var x, std::size_t first_layer) const {
  const Transformed z = forward(pass, x, first_layer, layers_.size());
  return ops::add(pass.tape, ops::log_standard_normal(pass.tape, z.y), z.log_det);
}

template <class T>
void Flow<T>::initialise(std::span<T> values, Tape<T>& tape, Var x, std::uint64_t seed) const {
  const Pass<T> pass{tape, layout_, values.data()};
  for (std::size_t i = prefix_layers_; i < layers_.size(); ++i) {
    layers_[i]->initialise(pass, values, x, seed);
    x = layers_[i]->forward(pass, x).y;
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
