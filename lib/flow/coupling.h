// Coupling layers: one half of the columns passes unchanged and, through a conditioner, a network
// of any weights, says how each column of the other half is mapped:
//   y_1 = x_1, y_2 = m(x_2; conditioner(x_1)), ln |det| = sum of ln m'.
// Of images, half of the channels passes, and the conditioner consists of convolutions.
// The conditioner of a conditional density takes its condition beside x_1.
// (Dinh, Krueger, Bengio, "NICE", ICLR 2015 workshop, section 3.2)
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/column_map.h"
#include "flow/layer_config.h"
#include "nn/branch.h"

namespace iflow {

// What a coupling does to a column (column_map.h, spline_map.h).
enum class CouplingKind { kAdditive, kAffine, kSpline };

// additive, affine, spline.
const std::map<CouplingKind, std::string>& coupling_names();

// Which channels of an image are the first half: the first ones, or, of a squeezed image
// (permutation.h), those of the pixels whose row and column were both even or both odd, a
// checkerboard of the image before. (Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real
// NVP", ICLR 2017, section 3.4)
enum class ChannelMask { kHalves, kCheckerboard };

// halves, checkerboard.
const std::map<std::string, ChannelMask>& channel_masks();

struct CouplingConfig {
  CouplingKind kind = CouplingKind::kAffine;
  std::vector<std::size_t> hidden;  // widths of the conditioner's hidden layers, or its filters
  std::string activation = "relu";  // of the conditioner; a name of nn/activations.h
  double activation_start = 1;      // initial value of the activation's parameter
  bool from_second = false;         // the second half of the columns conditions the first
  double log_scale_bound = 2;       // affine: |s| stays below
  std::size_t bins = 8;             // spline
  double range = 4;                 // spline: the identity beyond
  ImageShape image;                 // that reaches the layer; empty: a row of a table
  std::vector<std::size_t> sides;   // of images: of the kernels, odd, one more than hidden
  ChannelMask mask = ChannelMask::kHalves;  // of images

  static constexpr const char* kKind = "coupling";
  std::string variety() const { return coupling_names().at(kind); }
  static std::vector<CouplingConfig> varieties();
  static void fields(auto& f, auto& c) {
    f("hidden", c.hidden);
    f("activation", c.activation);
    f("activation_start", c.activation_start);
    f("from_second", c.from_second);
    if (c.kind == CouplingKind::kAffine) f("log_scale_bound", c.log_scale_bound);
    if (c.kind == CouplingKind::kSpline) {
      f("bins", c.bins);
      f("range", c.range);
    }
    if (f.has("image", c.image.size() > 0)) {
      f("image", c.image);
      f("sides", c.sides);
      f.choice("mask", c.mask, channel_masks());
    }
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

// Beyond, the bound of an inverse would cost as many derivatives of the conditioner and be loose.
inline constexpr std::size_t kMostBoundedColumns = 64;

template <class T>
class Coupling final : public Layer<T> {
 public:
  // Adds the conditioner's parameters to the layout under "PREFIX.conditioner.". The first half has
  // dimension / 2 columns, or half of the channels, rounded down; `condition`: numbers in the
  // condition, which images have none of. Throws UsageError for fewer than 2 columns or channels
  // and numbers that make no sense.
  Coupling(const CouplingConfig& config, std::size_t dimension, std::size_t condition,
           ParameterLayout& layout, const std::string& prefix);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  // The conditioner's last layer begins at 0, the coupling as the identity; that of an additive one
  // begins with spectral norm 1.
  void initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                  std::uint64_t seed) const override;
  Certificate prove(const ParameterLayout& layout, std::span<const double> values,
                    std::span<const double> norms) const override;
  // Infinite: where y_2 is large, a small error in y_1 can move x_2 by any amount.
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  // Of rows of a table of up to kMostBoundedColumns columns and with options.local, what is proved
  // about the computed x is a bound of its distance to the inverse in exact arithmetic, for the
  // stored parameters taken as exact, of any y' within the error of y:
  //   ||A|| error + ||what rounding does||, A over all y' the derivative of the inverse,
  //   A = (I, 0; S, D), S = dx_2/dh dh/dy_1, D = dx_2/dy_2 diagonal.
  // Both come from numbers with their radii (base/ball.h, nn/branch_enclosure.h), computed at
  // the row itself, in double whatever T is. A branch of any other kind gives no proof.
  void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                     const Certificate& certificate, const InverseOptions& options,
                     std::span<double> errors) const override;

 private:
  Var condition(const Pass<T>& pass, Var x) const;
  // Of the rows of one group; x, y and condition as they stand in lanes.
  void bound_group(const BranchEnclosure& conditioner, const T* y, const T* x, const T* condition,
                   std::span<double> errors) const;

  std::size_t dimension_, given_;             // given_: numbers in a condition
  std::vector<std::size_t> passed_, mapped_;  // the columns of either half
  std::unique_ptr<ColumnMap<T>> map_;
  std::unique_ptr<Branch<T>> conditioner_;
};

extern template class Coupling<float>;
extern template class Coupling<double>;

}  // namespace iflow
