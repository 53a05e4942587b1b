// Marginal Gaussianisation of dequantised pixels: T(v) = Phi^-1(F(v)), element by element, F the
// piecewise linear distribution function of the training set's pixels of the same channel.
// (lib/MATHS.md, section 4)
//
// The image of [0, bins] is not the whole line but ends where F is `margin` from 0 and from 1, at
// about 6 from the middle: what a flow puts beyond has no pixel of its own and is inverted to the
// end. The density of the images lacks that mass.
#pragma once

#include <cstddef>
#include <vector>

#include "flow/layer_config.h"

namespace iflow {

struct MarginalConfig {
  // Of every channel, the mass of each bin [k, k + 1): positive, their sum is 1.
  std::vector<std::vector<double>> masses;
  double margin = 1e-9;  // 0 < margin < 1/2

  static constexpr const char* kKind = "marginal";
  static void fields(auto& f, auto& c) {
    f("masses", c.masses);
    f("margin", c.margin);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

// What the layer does to the numbers of one channel.
class MarginalMap {
 public:
  // Throws UsageError for masses or a margin that make no sense.
  MarginalMap(const std::vector<double>& masses, double margin);

  // Whether the density of v can be other than zero.
  bool contains(double v) const { return v >= 0 && v <= static_cast<double>(masses_.size()); }
  double nearest_inside(double v) const;

  // Of v in [0, bins]: T, ln dT/dv and the derivative of that.
  double transform(double v) const;
  double log_slope(double v) const;
  double log_slope_derivative(double v) const;
  // The v that is transformed to t, or the end nearest to it.
  double inverse(double t) const;
  // An upper bound of dv/dt within `radius` of t.
  double inverse_slope_near(double t, double radius) const;
  // An upper bound of what rounding does to the computed inverse(t).
  double inverse_rounding(double t) const;

 private:
  std::size_t bin_of(double v) const;
  double inner(double probability) const;

  std::vector<double> masses_;
  std::vector<double> below_, above_;  // mass below and above each bin
  double margin_;
};

template <class T>
class Marginal final : public Layer<T> {
 public:
  // Element i of a row belongs to channel i mod channels. Throws UsageError where that does not
  // work out, and for masses that make no sense.
  Marginal(const MarginalConfig& config, std::size_t dimension);

  // A row with a pixel outside [0, bins] is taken to the end, with ln |det| = -inf.
  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                          const T* x) const override;

 private:
  std::size_t dimension_;
  std::vector<MarginalMap> channels_;
};

extern template class Marginal<float>;
extern template class Marginal<double>;

}  // namespace iflow
