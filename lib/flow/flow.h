// A flow: invertible layers one after the other, from the data's own units to z ~ N(0, I).
// ln p(x) = ln N(f(x); 0, I) + sum over layers of ln |det|. (maths.md section 4)
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flow/layer.h"
#include "nn/parameters.h"

namespace iflow {

template <class T>
class Flow {
 public:
  // `prefix_layers`: how many layers at the front have no parameters (they depend on the data
  // alone). Made by build_flow (build_flow.h).
  Flow(std::size_t dimension, ParameterLayout layout, std::vector<std::unique_ptr<Layer<T>>> layers,
       std::vector<std::string> kinds, std::size_t prefix_layers);

  std::size_t dimension() const { return dimension_; }
  const ParameterLayout& layout() const { return layout_; }
  std::size_t layer_count() const { return layers_.size(); }
  const Layer<T>& layer(std::size_t i) const { return *layers_[i]; }
  // What a layer is ("standardise", "actnorm", "residual", "coupling" and so on: build_flow.cpp).
  const std::string& kind(std::size_t i) const { return kinds_[i]; }
  // Layers in front that have no parameters: what they do to the data never changes, so training
  // does it once.
  std::size_t prefix_layers() const { return prefix_layers_; }

  // Sends rows x [G][dimension] through the layers begin..end-1.
  Transformed forward(const Pass<T>& pass, Var x, std::size_t begin, std::size_t end) const;

  // ln p of rows that have passed the layers in front of `first_layer`: [G][1].
  Var log_density(const Pass<T>& pass, Var x, std::size_t first_layer = 0) const;

  // z = f(x) alone. `pass` must not record.
  Var transform(const Pass<T>& pass, Var x) const;

  // Samples of ln p of rows x, one for each probe, and the truncation bounds; returns
  // [probes][16 G] each. `sampling.seed` is the flow's; every layer draws from a seed of its own.
  // `pass` must not record. Needs `prove`.
  LogDetSamples sample_log_density(const Pass<T>& pass, Var x, LogDetSampling sampling) const;

  // What the rows' estimated log-densities and their gradients are made from.
  struct Learning {
    Tape<T>& inputs;  // does not record; x lives on it
    Tape<T>& layer;   // records; holds one layer at a time
    const T* values;  // effective parameters
    T* gradients;
    const LogDetConfig& log_det;
    std::uint64_t seed;  // of the step
    std::uint64_t shard;
    const std::uint64_t* rows;  // of each lane
  };
  // Adds the gradient of sum over rows of weights[i] ln p(x_i), ln p estimated, layer by layer from
  // the last: no more than one layer is on the tape at a time. log_p <- the estimates.
  // x [G][dimension] has passed the layers in front of `first_layer`; weights, log_p: (16 G).
  void learn(const Learning& learning, Var x, std::size_t first_layer, const T* weights,
             T* log_p) const;

  // Initial parameters, layer by layer, for rows x that have passed the prefix layers.
  void initialise(std::span<T> values, Tape<T>& tape, Var x, std::uint64_t seed) const;

  // Proves the Lipschitz bound of every block for the given effective parameters; needed before any
  // layer is inverted. Returns the bound of every layer (0 for those that are no residual block).
  std::vector<double> prove(std::span<const double> values);

 private:
  Transformed forward_in_place(const Pass<T>& pass, Var x, std::size_t begin,
                               std::size_t end) const;

  std::size_t dimension_;
  ParameterLayout layout_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<std::string> kinds_;
  std::size_t prefix_layers_;
};

extern template class Flow<float>;
extern template class Flow<double>;

}  // namespace iflow
