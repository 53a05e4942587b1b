// A mixture of Gaussians, sum over k of w_k N(x; mu_k, Sigma_k), in families that share a
// covariance: kernels at thousands of rows are one family.
//
// Covariances are kept by the inverse of their Cholesky factor, R = L^-1: lower triangular, with
// R^T R = Sigma^-1 and ln N = sum ln R_ii - |R (x - mu)|^2 / 2 - d/2 ln 2 pi. The leading block of
// R belongs to the leading columns, and its trailing block to the others given these.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/rng.h"

namespace iflow {

struct GaussianFamily {
  std::vector<double> factor;       // R (d, d), row-major: diagonal > 0, 0 above it
  std::vector<double> log_weights;  // ln w_k (k)
  std::vector<double> means;        // (k, d), row-major

  // The numbers by name. (flow/layer_config.h)
  static void fields(auto& f, auto& c) {
    f("factor", c.factor);
    f("log_weights", c.log_weights);
    f("means", c.means);
  }
};

struct GaussianMixture {
  std::size_t dimension = 0;
  std::vector<GaussianFamily> families;  // weights of all together have sum 1

  // Gaussians in all families.
  std::size_t components() const;
};

// Throws UsageError for shapes that do not fit together, weights whose sum is not 1 within 1e-6,
// a factor that is not lower triangular with a positive diagonal, or numbers that are not finite.
void check(const GaussianMixture& mixture);

// R of a covariance (d, d), row-major. Throws NumericError where it is not positive definite.
std::vector<double> precision_factor(std::span<const double> covariance, std::size_t dimension);
// Sigma (d, d) of R.
std::vector<double> covariance_of(const GaussianFamily& family, std::size_t dimension);

// ln p of rows (n, d).
std::vector<double> log_density(const GaussianMixture& mixture, std::span<const double> rows);

// That of some columns alone, in the order given; with all of them it is the same density of
// columns in another order.
GaussianMixture marginal(const GaussianMixture& mixture, std::span<const std::size_t> columns);

// That of the other columns where the first ones are `given`. (With `marginal` in front: given
// any.) given: fewer than d numbers.
GaussianMixture conditional(const GaussianMixture& mixture, std::span<const double> given);

// One row (d) of it, drawn with the numbers of `rng`.
std::vector<double> draw(const GaussianMixture& mixture, Rng& rng);

}  // namespace iflow
