// A mixture of Gaussians made ready for kLanes rows at a time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "kernels/simd.h"
#include "mixture/gaussian_mixture.h"

namespace iflow {

class LaneMixture {
 public:
  // A family: R, ln R_ii, and which of all components are its own.
  struct Family {
    std::vector<double> factor;
    std::vector<double> log_diagonal;
    std::size_t first, count;
  };

  // Throws UsageError as `check` does.
  explicit LaneMixture(const GaussianMixture& mixture);

  std::size_t dimension() const { return dimension_; }
  std::size_t components() const { return log_weights_.size(); }
  const std::vector<Family>& families() const { return families_; }
  double log_weight(std::size_t k) const { return log_weights_[k]; }
  const double* mean(std::size_t k) const { return means_.data() + k * dimension_; }
  // R mu_k (d).
  const double* white_mean(std::size_t k) const { return white_means_.data() + k * dimension_; }

  // ln p of kLanes rows x [d][kLanes] into log_p [kLanes]; aligned to simd::kVectorBytes.
  void log_density(const double* x, double* log_p) const;
  // The same, and dx [d][kLanes] += seed d ln p / dx, seed [kLanes].
  void log_density_and_gradient(const double* x, const double* seed, double* log_p,
                                double* dx) const;

  // ln p of rows (n, d).
  std::vector<double> log_density(std::span<const double> rows) const;

 private:
  // ln (w_k N(x; mu_k, Sigma_k)) + d/2 ln 2 pi of every component: [components][kLanes]; returns
  // the logarithm of their sum in `log_sum`.
  void log_joint(const double* x, AlignedVector<double>& joint, double* log_sum) const;

  std::size_t dimension_;
  std::vector<Family> families_;
  std::vector<double> log_weights_, means_, white_means_;
};

// y[i][l] = sum over j <= i of R_ij x[j][l]: R (d, d), x, y [d][kLanes], which may not be the same.
void multiply_lower(const std::vector<double>& factor, std::size_t d, const double* x, double* y);

}  // namespace iflow
