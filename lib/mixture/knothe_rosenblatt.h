// The Knothe-Rosenblatt map of a mixture of Gaussians to N(0, I), column by column:
// z_i = Phi^-1(F_i), F_i = sum over k of w_ki Phi(e_ki), e_k = R_k (x - mu_k), the weights w_ki
// being those given x_1 ... x_{i-1}. It is triangular and increasing in every column, with
// ln |det| = ln p(x) - ln N(z; 0, I). (Rosenblatt, "Remarks on a multivariate transformation",
// Ann. Math. Statist. 23, 1952; lib/MATHS.md, section 6)
//
// Works on kLanes rows at a time, [d][kLanes], aligned to simd::kVectorBytes; a row's result does
// not depend on the rows beside it. Both tails are kept by their logarithms.
#pragma once

#include <cstddef>
#include <span>

#include "mixture/gaussian_mixture.h"
#include "mixture/lane_mixture.h"

namespace iflow {

class KnotheRosenblatt {
 public:
  // Throws UsageError as `check` does.
  explicit KnotheRosenblatt(const GaussianMixture& mixture);

  std::size_t dimension() const { return mixture_.dimension(); }
  const LaneMixture& mixture() const { return mixture_; }

  // z, and ln |det dz/dx| [kLanes].
  void forward(const double* x, double* z, double* log_det) const;

  // dx += what the adjoints of z and of ln |det| [kLanes] pull back.
  void backward(const double* x, const double* dz, const double* d_log_det, double* dx) const;

  // The x with forward(x) = z: d bracketed one-dimensional roots.
  void inverse(const double* z, double* x) const;

  // Proved bounds, column by column, of the distance between one row x (d), however found, and the
  // exact inverse of any row within `error` of z (d) in every column: what the increasing F_i
  // brackets while the columns before lie anywhere within their own bounds. Rounding is included.
  // Infinite from the first column on where nothing is proved. bounds: (d)
  void bound_inverse(std::span<const double> x, std::span<const double> z, double error,
                     std::span<double> bounds) const;

 private:
  LaneMixture mixture_;
};

}  // namespace iflow
