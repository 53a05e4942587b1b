// z = T(y), T the Knothe-Rosenblatt map of a mixture of Gaussians to N(0, I): in front of a
// standard normal the layer's density is the mixture itself. Without blocks in front a flow that
// ends with it is that mixture in closed form. (mixture/knothe_rosenblatt.h; maths.md, "Mixture as
// a layer")
#pragma once

#include <cstddef>

#include "flow/layer.h"
#include "mixture/knothe_rosenblatt.h"

namespace iflow {

struct MixtureConfig {
  GaussianMixture mixture;
};

template <class T>
class MixtureMap final : public Layer<T> {
 public:
  // Throws UsageError for a mixture of another dimension, and as `check` does.
  MixtureMap(const MixtureConfig& config, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  // For a layer that is the last one: y stands at 0, where N(0, I) is a constant, and what is
  // learned from is ln p of the mixture less that constant, which needs no map.
  Learnable<T> forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                const Linearised<T>* known) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const InverseOptions& options) const override;
  // Infinite: between clusters a small error in z can move y by any amount.
  double inverse_lipschitz(const T* values) const override;
  // What the roots' brackets prove of one row.
  double inverse_error(const T* values, const T* y, const T* x, const InverseRow* row,
                       double error) const override;

  // ln p of the mixture, [G][1]: ln N(z; 0, I) + ln |det| of `forward` without the map.
  Var log_density(const Pass<T>& pass, Var x) const;

 private:
  KnotheRosenblatt map_;
};

extern template class MixtureMap<float>;
extern template class MixtureMap<double>;

}  // namespace iflow
