// A flow: invertible layers one after the other, from the data's own units to latent rows z = f(x).
// (lib/MATHS.md, section 4)
//
// A flow of a conditional density, p(x | c), is one such bijection for every condition c: every
// pass holds the condition of its rows.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flow/layer.h"
#include "nn/parameters.h"

namespace iflow {

// What is proved of a flow's inverse, for the parameters that it was made from: one certificate a
// layer, in order.
struct FlowCertificate {
  std::vector<Certificate> layers;

  // An upper bound of Lip(g) of every layer, 0 for those that are no residual block.
  std::vector<double> residual_lipschitz() const;
};

template <class T>
class Flow {
 public:
  // `offsets`: where each layer's parameters begin in the flat array, and where the last one's end.
  // `prefix_layers`: how many layers at the front have no parameters (they depend on the data
  // alone). Made by build_flow (build_flow.h).
  Flow(std::size_t dimension, ParameterLayout layout, std::vector<std::unique_ptr<Layer<T>>> layers,
       std::vector<std::string> kinds, std::vector<std::size_t> offsets, std::size_t prefix_layers);

  std::size_t dimension() const { return dimension_; }
  const ParameterLayout& layout() const { return layout_; }
  std::size_t layer_count() const { return layers_.size(); }
  const Layer<T>& layer(std::size_t i) const { return *layers_[i]; }
  // What a layer is: kind_of its configuration (build_flow.h).
  const std::string& kind(std::size_t i) const { return kinds_[i]; }
  // Layers in front that have no parameters: what they do to the data never changes, so training
  // does it once.
  std::size_t prefix_layers() const { return prefix_layers_; }

  // Where the parameters of a layer begin in the flat array; of layer layer_count(), where those of
  // the last one end.
  std::size_t first_parameter(std::size_t layer) const { return offsets_[layer]; }

  // Sends rows x [G][dimension] through the layers begin..end-1.
  Transformed forward(const Pass<T>& pass, Var x, std::size_t begin, std::size_t end) const;

  // z = f(x) alone. `pass` must not record.
  Var transform(const Pass<T>& pass, Var x) const;

  // The rows that a flow begins with, on a tape that does not record.
  struct FirstRows {
    Tape<T>& tape;
    Var x;                           // have passed the prefix layers
    const double* weights;           // (16 G), not all 0; of lanes without a row 0
    const T* condition = nullptr;    // of the rows, as a pass has it
    std::size_t condition_size = 0;  // numbers of each
  };
  // Initial parameters, layer by layer, for these rows, which are sent through the layers in place.
  void initialise(std::span<T> values, const FirstRows& rows, std::uint64_t seed) const;

  // What is proved of the layers' inverses for the given effective parameters.
  FlowCertificate prove(std::span<const double> values) const;

 private:
  void pass_layer(std::size_t i, const T* values, const FirstRows& rows) const;
  Transformed forward_in_place(const Pass<T>& pass, Var x, std::size_t begin,
                               std::size_t end) const;

  std::size_t dimension_;
  ParameterLayout layout_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<std::string> kinds_;
  std::vector<std::size_t> offsets_;
  std::size_t prefix_layers_;
};

extern template class Flow<float>;
extern template class Flow<double>;

}  // namespace iflow
