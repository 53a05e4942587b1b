// The dense residual branch g of a block y = x + g(x):
//   g(x) = W_m phi(... W_2 phi(W_1 x + b_1) + b_2 ...) + b_m,
// every W_i of spectral norm at most c. Optionally phi acts on x first, as in the original method.
// With free weights and an output of its own size it is the conditioner of a coupling layer.
// A branch of a conditional density takes the condition in its first layer, W_1 x + V c + b_1 with
// V free: it has no part in Lip(g), which is for every c that of x -> g(x; c). (lib/MATHS.md,
// section 4)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/activation.h"
#include "nn/branch.h"

namespace iflow {

struct DenseBranchConfig {
  std::size_t dimension = 0;        // of x
  std::size_t outputs = 0;          // of g(x); 0: as many as x has
  std::size_t condition = 0;        // numbers in c; 0: g depends on x alone
  std::vector<std::size_t> hidden;  // widths of the hidden layers, W_1 x first
  std::string activation = "sine";  // a name of activations.h
  double activation_start = 10;     // initial value of the activation's parameter
  bool activation_first = false;    // phi(x) before W_1
  double start_gain = 1;            // initial spectral norm of W_m; 0: g begins as a constant
  double coefficient = 0.97;        // c: the bound on every spectral norm, in (0, 1)
  bool bounded = true;              // false: free weights, c has no meaning
};

template <class T>
class DenseBranch final : public Branch<T> {
 public:
  // Adds the parameters to `layout` under "PREFIX.LAYER.weight" and so on. Throws UsageError for a
  // coefficient outside (0, 1), no hidden layer, a width of 0, an unknown activation or a start of
  // its parameter that is not positive. With a condition, every pass needs one.
  DenseBranch(const DenseBranchConfig& config, ParameterLayout& layout, const std::string& prefix);

  Var forward(const Pass<T>& pass, Var x, std::size_t groups) const override;
  Var forward_with_jacobian(const Pass<T>& pass, Var x) const override;
  Linearised<T> evaluate(const Pass<T>& pass, const T* x, std::size_t groups) const override;
  void jacobian_product(const Pass<T>& pass, const Linearised<T>& at, const T* t, T* out,
                        std::size_t tangents) const override;

  // Orthogonal weights of spectral norm 1 (start_gain for W_m), those of the condition included, a
  // first bias that spreads the units over the data (uniform within 2 / sqrt(width)), other biases
  // 0; keyed by the seed and the parameter's index.
  void initialise(const ParameterLayout& layout, std::span<T> values,
                  std::uint64_t seed) const override;
  double lipschitz_bound(std::span<const double> proved_norms) const override;
  std::vector<BranchStage> stages(const ParameterLayout& layout, std::span<const double> values,
                                  std::span<const double> proved_norms) const override;
  std::optional<BranchEnclosure> enclosure(const ParameterLayout& layout,
                                           std::span<const double> values) const override;
  std::vector<Extended> extended_value(const Pass<T>& pass, const std::vector<Extended>& x,
                                       const std::vector<Extended>& c) const override;

 private:
  struct Layer {
    std::size_t weight, bias;  // indices into the layout
    std::size_t parameter;     // of the activation before this layer; the weight if it has none
    bool activated;            // whether an activation comes before this layer
    std::size_t condition;     // weight of the condition; `weight` where it does not enter
  };

  bool takes_condition(const Layer& layer) const { return layer.condition != layer.weight; }

  // What the layers from `first` on make of x.
  Var forward_from(const Pass<T>& pass, std::size_t first, Var x, std::size_t groups) const;
  Var activate(const Pass<T>& pass, const Layer& layer, Var x, std::size_t groups) const;

  // Numbers of the widest tensor between two layers, per row.
  std::size_t widest(const ParameterLayout& layout) const;

  Activation activation_;
  bool concatenated_;  // phi(x) = [phi(x), phi(-x)] / kConcatenatedLipschitz
  double activation_start_, start_gain_;
  std::vector<Layer> layers_;
};

extern template class DenseBranch<float>;
extern template class DenseBranch<double>;

}  // namespace iflow
