// Activation normalisation y = (x + shift) exp(log_scale) per column, or per channel of an image,
// initialised so that the rows of the start leave with zero mean and unit variance. ln |det| = the
// sum of log_scale, over all pixels. (Kingma, Dhariwal, "Glow", NeurIPS 2018, section 3.1)
#pragma once

#include <string>

#include "flow/layer_config.h"

namespace iflow {

struct ActNormConfig {
  std::size_t channels = 0;  // 0: every column is one

  static constexpr const char* kKind = "actnorm";
  static void fields(auto& f, auto& c) {
    if (f.has("channels", c.channels > 0)) f("channels", c.channels);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class ActNorm final : public Layer<T> {
 public:
  // Adds "PREFIX.log_scale" and "PREFIX.shift", each (channels, 1), to the layout. Element i of a
  // row belongs to channel i mod channels. Throws UsageError where that does not work out.
  ActNorm(std::size_t dimension, std::size_t channels, ParameterLayout& layout,
          const std::string& prefix);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                  std::uint64_t seed) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                          const T* x) const override;

 private:
  std::size_t pixels_;
  std::size_t log_scale_, shift_;  // indices into the layout
  ParameterInfo log_scale_info_, shift_info_;
};

extern template class ActNorm<float>;
extern template class ActNorm<double>;

}  // namespace iflow
