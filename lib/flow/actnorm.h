// Activation normalisation y = (x + shift) exp(log_scale) per column, initialised so that the first
// rows leave with zero mean and unit variance. ln |det| = sum log_scale. (Kingma, Dhariwal, "Glow",
// NeurIPS 2018, section 3.1)
#pragma once

#include <string>

#include "flow/layer.h"

namespace iflow {

template <class T>
class ActNorm final : public Layer<T> {
 public:
  // Adds "PREFIX.log_scale" and "PREFIX.shift", each (dimension, 1), to the layout.
  ActNorm(std::size_t dimension, ParameterLayout& layout, const std::string& prefix);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const InverseOptions& options) const override;
  void initialise(const Pass<T>& pass, std::span<T> values, Var x,
                  std::uint64_t seed) const override;
  double inverse_lipschitz(const T* values) const override;

 private:
  std::size_t log_scale_, shift_;  // indices into the layout
  ParameterInfo log_scale_info_;
};

extern template class ActNorm<float>;
extern template class ActNorm<double>;

}  // namespace iflow
