// y = (x - mean) / deviation, column by column, with fixed numbers: brings the data to zero mean
// and unit variance. ln |det| = -sum ln deviation. (lib/MATHS.md, section 4)
#pragma once

#include <vector>

#include "flow/layer_config.h"

namespace iflow {

struct StandardiseConfig {
  std::vector<double> mean;
  std::vector<double> deviation;  // > 0

  static constexpr const char* kKind = "standardise";
  static void fields(auto& f, auto& c) {
    f("mean", c.mean);
    f("deviation", c.deviation);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class Standardise final : public Layer<T> {
 public:
  explicit Standardise(StandardiseConfig config);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                          const T* x) const override;

 private:
  StandardiseConfig config_;
  T log_det_;
};

extern template class Standardise<float>;
extern template class Standardise<double>;

}  // namespace iflow
