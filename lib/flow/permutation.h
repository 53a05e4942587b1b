// Space to depth: blocks of 2 x 2 pixels become one pixel with four times the channels,
// [H][W][C] -> [H / 2][W / 2][dy][dx][C]. A permutation: ln |det| = 0. (Dinh, Sohl-Dickstein,
// Bengio, "Density estimation using Real NVP", ICLR 2017, section 3.6)
#pragma once

#include <vector>

#include "flow/layer_config.h"

namespace iflow {

struct SqueezeConfig {
  ImageShape image;  // that reaches it

  static constexpr const char* kKind = "squeeze";
  static void fields(auto& f, auto& c) { f("image", c.image); }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

// The size of the images that leave it.
ImageShape squeezed(const ImageShape& image);

// Half of the channels of every pixel are moved to the front, where later layers leave them alone:
// they go straight to the base density. [H][W][C] -> [H][W][C - C / 2] behind [H][W][C / 2].
// (Dinh et al., section 3.6)
struct FactorOutConfig {
  ImageShape image;  // that reaches it

  static constexpr const char* kKind = "factor out";
  static void fields(auto& f, auto& c) { f("image", c.image); }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

// The size of the images that later layers work on.
ImageShape kept_by_factor_out(const ImageShape& image);

// y[i] = x[source[i]].
template <class T>
class Permutation final : public Layer<T> {
 public:
  // Throws UsageError for images with sides that are not even.
  explicit Permutation(const SqueezeConfig& config);
  // Throws UsageError for images of one channel.
  explicit Permutation(const FactorOutConfig& config);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  double inverse_lipschitz(const Certificate&, const T*, const T*, double) const override {
    return 1;
  }
  double inverse_rounding(const Certificate&, const T*, const T*, const T*) const override {
    return 0;
  }

 private:
  std::vector<std::size_t> source_;
};

extern template class Permutation<float>;
extern template class Permutation<double>;

}  // namespace iflow
