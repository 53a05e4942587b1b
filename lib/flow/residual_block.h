// The invertible residual block y = x + g(x), Lip(g) < 1. (Behrmann et al., "Invertible Residual
// Networks", ICML 2019)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/fixed_point.h"
#include "flow/layer_config.h"
#include "nn/convolutional_branch.h"
#include "nn/dense_branch.h"

namespace iflow {

// What every branch says of itself. (layer_config.h)
void branch_fields(auto& f, auto& branch) {
  f("activation", branch.activation);
  f("activation_start", branch.activation_start);
  f("activation_first", branch.activation_first);
  f("start_gain", branch.start_gain);
  f("coefficient", branch.coefficient);
}

struct ResidualBlockConfig {
  DenseBranchConfig branch;

  static constexpr const char* kKind = "residual";
  static void fields(auto& f, auto& c) {
    f.of_flow(c.branch.dimension, c.branch.condition);
    f("hidden", c.branch.hidden);
    branch_fields(f, c.branch);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

struct ConvolutionalBlockConfig {
  ConvolutionalBranchConfig branch;

  static constexpr const char* kKind = "convolutional";
  static void fields(auto& f, auto& c) {
    f("image", c.branch.image);
    f("filters", c.branch.filters);
    f("sides", c.branch.sides);
    branch_fields(f, c.branch);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class ResidualBlock final : public Layer<T>, public EstimatedLogDet<T> {
 public:
  // Adds the branch's parameters to the layout under "PREFIX.branch.". Throws UsageError for a
  // branch of free weights or with outputs of another number.
  ResidualBlock(const DenseBranchConfig& branch, ParameterLayout& layout,
                const std::string& prefix);
  ResidualBlock(const ConvolutionalBranchConfig& branch, ParameterLayout& layout,
                const std::string& prefix);

  // The log-determinant is exact: ln det (I + J), J from the dimension's unit tangents.
  Transformed forward(const Pass<T>& pass, Var x) const override;
  Var transform(const Pass<T>& pass, Var x) const override;
  const EstimatedLogDet<T>* estimated() const override { return this; }
  // Where the gradient is Neumann's, g is evaluated here once for all.
  Prepared<T> prepare_to_learn(const Pass<T>& pass, Var x,
                               const LogDetOptions& options) const override;
  // By the Neumann series: the gradient of ln det (I + J) is E[v^T dJ u], u = (I + J)^-1 v as a
  // series whose products J^k v nobody records. (Chen et al., section 3.2)
  Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                const Linearised<T>* known) const override;
  Var sample_log_det(const Pass<T>& pass, Var x, const Certificate& certificate,
                     const LogDetDraw& draw, LogDetSamples& samples) const override;
  // By safeguarded Newton where the Jacobian is cheap, else by accelerated fixed-point iteration
  // (fixed_point.h).
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                  std::uint64_t seed) const override;
  Certificate prove(const ParameterLayout& layout, std::span<const double> values,
                    std::span<const double> norms) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  // The smaller of the global bound and the local one of Newton and Kantorovich (fixed_point.h).
  void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                     const Certificate& certificate, const InverseOptions& options,
                     std::span<double> errors) const override;

 private:
  Learnable<T> learn_exactly(const Pass<T>& pass, Var x, double jacobian_penalty) const;
  // v: the probes, [probes G][E]  at: g linearised at x
  Learnable<T> learn_by_neumann(const Pass<T>& pass, Var x, Var v,
                                const std::vector<double>& weights, const Linearised<T>& at) const;
  Learnable<T> learn_by_series(const Pass<T>& pass, Var x, Var v,
                               const std::vector<double>& weights) const;

  std::unique_ptr<Branch<T>> branch_;
};

extern template class ResidualBlock<float>;
extern template class ResidualBlock<double>;

}  // namespace iflow
