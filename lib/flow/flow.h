// A flow: invertible layers one after the other, from the data's own units to z ~ N(0, I).
// ln p(x) = ln N(f(x); 0, I) + sum over layers of ln |det|. (maths.md section 4)
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

// Groups first .. first + groups - 1 of a variable.
struct GroupRange {
  std::size_t first, groups;
};

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

  // Sends rows x [G][dimension] through the layers begin..end-1.
  Transformed forward(const Pass<T>& pass, Var x, std::size_t begin, std::size_t end) const;

  // ln p of rows that have passed the layers in front of `first_layer`: [G][1].
  Var log_density(const Pass<T>& pass, Var x, std::size_t first_layer = 0) const;

  // z = f(x) alone. `pass` must not record.
  Var transform(const Pass<T>& pass, Var x) const;

  // Samples of ln p of rows x, one for each probe, and the truncation bounds; returns
  // [probes][16 G] each. `draw.seed` is the flow's; every layer draws from a seed of its own.
  // `pass` must not record, `certificate` be of its parameters.
  LogDetSamples sample_log_density(const Pass<T>& pass, Var x, const FlowCertificate& certificate,
                                   const LogDetDraw& draw) const;

  // What the rows' log-densities, exact or estimated, and their gradients are made from.
  struct Learning {
    Tape<T>& inputs;  // does not record; x lives on it
    Tape<T>& tape;    // records
    const T* values;  // effective parameters
    T* gradients;
    const LogDetOptions& log_det;
    std::uint64_t seed;  // of the step
    std::uint64_t shard;
    const std::uint64_t* rows;       // of each lane
    std::size_t tile_groups;         // of a tile, > 0
    const T* condition = nullptr;    // of the rows, as a pass has it
    std::size_t condition_size = 0;  // numbers of each
    double jacobian_penalty = 0;     // what LogDetDraw says
  };
  // gradients <- the gradient of sum over rows of weights[i] (ln p(x_i) - penalty), those of the
  // layers in front of `first_layer` excepted; log_p <- the log-densities. x [G][dimension] has
  // passed these layers; weights, log_p: (16 G).
  //
  // Only as many layers and rows are on the tape at a time as cache has room for, estimating layers
  // one by one; a layer's weights and gradients stay in cache while the rows pass. Of the others
  // the rows that reach them are kept, and of estimating layers what their branches give there, so
  // that no value is computed twice.
  void learn(const Learning& learning, Var x, std::size_t first_layer, const T* weights,
             T* log_p) const;

  // Initial parameters, layer by layer, for rows x that have passed the prefix layers, and their
  // condition.
  void initialise(std::span<T> values, Tape<T>& tape, Var x, std::uint64_t seed,
                  const T* condition = nullptr) const;

  // What is proved of the layers' inverses for the given effective parameters.
  FlowCertificate prove(std::span<const double> values) const;

 private:
  Transformed forward_in_place(const Pass<T>& pass, Var x, std::size_t begin,
                               std::size_t end) const;

  // How many layers `learn` has on the tape at a time.
  std::size_t layers_on_tape(const Learning& learning) const;
  // The pass of a part of the rows.
  Pass<T> pass_of(const Learning& learning, Tape<T>& tape, T* gradients, GroupRange part) const;
  // Layers that are on the tape together, the rows x that reach the first of them, and what
  // prepare_to_learn of the last has found for every part of the rows.
  struct Stretch {
    std::size_t begin;
    const T* x;
    std::vector<std::optional<Linearised<T>>> known;
  };
  // Sends a part of the rows through the layers of a stretch, to y.
  void pass_on(const Learning& learning, Stretch& stretch, std::size_t layers, GroupRange part,
               T* y) const;
  // A part of the rows x that reach a layer; its share of weights, log-densities and adjoints: of
  // what leaves the last layer, then of x.
  struct Tile {
    const T* x;
    const Linearised<T>* known;
    GroupRange part;
    const T* weights;
    T* log_p;
    T* dy;
  };
  // Sends a tile through the layers begin .. end - 1 and back.
  void learn_tile(const Learning& learning, std::size_t begin, std::size_t end,
                  const Tile& tile) const;

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
