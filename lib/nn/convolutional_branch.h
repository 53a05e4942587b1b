// The convolutional residual branch g of a block y = x + g(x) on images: convolutions with an
// activation before each,
//   g(x) = W_m * Phi(... W_2 * Phi(W_1 * Phi(x) + b_1) + b_2 ...) + b_m,
// zero-padded, every W_i as a linear operator of spectral norm at most c. (Behrmann et al., 2019,
// section 3.1; Chen et al., 2019, appendix E)
// With free weights and an output of its own number of channels it is the conditioner of a coupling
// layer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/images.h"
#include "kernels/channel_activation.h"
#include "nn/branch.h"

namespace iflow {

struct ConvolutionalBranchConfig {
  ImageShape image;                      // of x and of g(x)
  std::size_t outputs = 0;               // channels of g(x); 0: as many as x has
  std::vector<std::size_t> filters;      // channels between the convolutions
  std::vector<std::size_t> sides;        // of the kernels, odd: one more than filters
  std::string activation = "clipswish";  // a name of nn/activations.h
  double activation_start = 1;           // initial value of the activation's parameter
  bool activation_first = true;          // Phi(x) before W_1
  double start_gain = 1;                 // of W_m's initial numbers; 0: g begins as a constant
  double coefficient = 0.98;             // c: the bound on every spectral norm, in (0, 1)
  bool bounded = true;                   // false: free weights, c has no meaning
};

template <class T>
class ConvolutionalBranch final : public Branch<T> {
 public:
  // Adds the parameters to `layout` under "PREFIX.LAYER.weight" and so on. Throws UsageError for
  // numbers that make no sense.
  ConvolutionalBranch(const ConvolutionalBranchConfig& config, ParameterLayout& layout,
                      const std::string& prefix);

  Var forward(const Pass<T>& pass, Var x, std::size_t groups) const override;
  Var forward_at(const Pass<T>& pass, const Linearised<T>& at, Var x) const override;
  Linearised<T> evaluate(const Pass<T>& pass, const T* x, std::size_t groups) const override;
  void complete(const Pass<T>& pass, const T* x, Linearised<T>& at) const override;
  void jacobian_product(const Pass<T>& pass, const Linearised<T>& at, const T* t, T* out,
                        std::size_t tangents) const override;

  // Orthogonal kernels, taken as matrices (times start_gain for W_m), biases 0; keyed by the seed
  // and the parameter's index.
  void initialise(const ParameterLayout& layout, std::span<T> values,
                  std::uint64_t seed) const override;
  double lipschitz_bound(std::span<const double> proved_norms) const override;
  std::vector<BranchStage> stages(const ParameterLayout& layout, std::span<const double> values,
                                  std::span<const double> proved_norms) const override;

 private:
  struct Layer {
    kernels::ConvolutionShape shape;
    std::size_t channels;      // that reach it, before its activation
    std::size_t weight, bias;  // indices into the layout
    std::size_t parameter;     // of the activation before this layer; the weight if it has none
    bool activated;            // whether an activation comes before this layer
  };

  Var forward(const Pass<T>& pass, const Layer& layer, Var x, std::size_t groups,
              const ops::KnownValues<T>& known) const;
  T activation_parameter(const Pass<T>& pass, const Layer& layer) const;
  // Numbers of the widest tensor of one group of images.
  std::size_t widest() const;

  ChannelActivation phi_;
  double activation_start_, start_gain_;
  std::vector<Layer> layers_;
};

extern template class ConvolutionalBranch<float>;
extern template class ConvolutionalBranch<double>;

}  // namespace iflow
