// y = L^-1 x with a fixed lower triangular L: brings columns of covariance L L^T to uncorrelated
// ones of unit variance, so that what follows starts at a Gaussian with all its correlations.
// ln |det| = -sum ln L_ii.
#pragma once

#include <cstddef>
#include <vector>

#include "flow/layer_config.h"

namespace iflow {

struct WhitenConfig {
  std::vector<double> factor;  // L (d, d), row-major: diagonal > 0, 0 above it

  static constexpr const char* kKind = "whiten";
  static void fields(auto& f, auto& c) { f("factor", c.factor); }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class Whiten final : public Layer<T> {
 public:
  // Throws UsageError for a factor that is not (dimension, dimension) lower triangular with a
  // positive diagonal.
  Whiten(const WhitenConfig& config, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                          const T* x) const override;

 private:
  std::size_t dimension_;
  std::vector<T> factor_;
  T log_det_;
  double norm_;           // a proved bound of ||L||
  double absolute_norm_;  // the same of the matrix of absolute values
};

extern template class Whiten<float>;
extern template class Whiten<double>;

}  // namespace iflow
