// z = T(y), T the Knothe-Rosenblatt map of a mixture of Gaussians to N(0, I): in front of a
// standard normal the layer's density is the mixture itself. Without blocks in front a flow that
// ends with it is that mixture in closed form. (mixture/knothe_rosenblatt.h; lib/MATHS.md,
// section 6)
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "flow/layer_config.h"
#include "mixture/knothe_rosenblatt.h"

namespace iflow {

struct MixtureConfig {
  GaussianMixture mixture;

  static constexpr const char* kKind = "mixture";
  static void fields(auto& f, auto& c) {
    f("dimension", c.mixture.dimension);
    f("families", c.mixture.families);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class MixtureMap final : public Layer<T> {
 public:
  // Throws UsageError for a mixture of another dimension, and as `check` does.
  MixtureMap(const MixtureConfig& config, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  // Infinite: between clusters a small error in z can move y by any amount.
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  // What the roots' brackets prove of each row.
  void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                     const Certificate& certificate, const InverseOptions& options,
                     std::span<double> errors) const override;

  // ln p of the mixture: without the map.
  std::optional<Var> log_density(const Pass<T>& pass, Var x) const override;

 private:
  double row_error(const T* y, const T* x, double error) const;

  KnotheRosenblatt map_;
};

extern template class MixtureMap<float>;
extern template class MixtureMap<double>;

}  // namespace iflow
