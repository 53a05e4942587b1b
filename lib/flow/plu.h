// An invertible matrix by its factors: y = P L U x, P the reversal of the columns' order, L unit
// lower and U upper triangular with a positive diagonal. ln |det| = sum ln U_ii. It begins as P,
// which exchanges the halves of a coupling layer. Of images, the same matrix for the channels of
// every pixel: an invertible 1x1 convolution, whose ln |det| counts once a pixel. (Kingma,
// Dhariwal, "Glow", NeurIPS 2018, section 3.2)
#pragma once

#include <string>

#include "flow/layer_config.h"

namespace iflow {

struct PluConfig {
  std::size_t channels = 0;  // 0: every column is one

  static constexpr const char* kKind = "plu";
  static void fields(auto& f, auto& c) {
    if (f.has("channels", c.channels > 0)) f("channels", c.channels);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class Plu final : public Layer<T> {
 public:
  // Adds "PREFIX.factors" (channels, channels) to the layout: L below the diagonal, U above it,
  // ln U_ii on it. A row of a table has as many channels as columns. Throws UsageError where
  // `dimension` is no multiple of them.
  Plu(std::size_t dimension, std::size_t channels, ParameterLayout& layout,
      const std::string& prefix);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  Certificate prove(const ParameterLayout& layout, std::span<const double> values,
                    std::span<const double> norms) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                          const T* x) const override;

 private:
  std::size_t pixels_;
  std::size_t factors_;  // index into the layout
  ParameterInfo info_;
};

extern template class Plu<float>;
extern template class Plu<double>;

}  // namespace iflow
