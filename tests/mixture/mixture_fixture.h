// Mixtures of Gaussians and rows for tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/simd.h"
#include "mixture/gaussian_mixture.h"

namespace iflow {

inline std::vector<double> normal_numbers(std::uint64_t key, std::size_t n, double scale = 1) {
  Rng rng(key, RngPurpose::kTest);
  std::vector<double> numbers(n);
  for (double& v : numbers) v = scale * rng.normal();
  return numbers;
}

// Clusters of several shapes, one of kernels that share theirs, and a wide one, all about the
// origin.
inline GaussianMixture example_mixture(std::size_t d) {
  GaussianMixture mixture{d, {}};
  Rng rng(3, RngPurpose::kTest, d);
  const double weights[] = {0.3, 0.25, 0.4, 0.05};
  for (std::size_t f = 0; f < 4; ++f) {
    GaussianFamily family;
    family.factor.assign(d * d, 0);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < i; ++j) family.factor[i * d + j] = f < 2 ? rng.normal() : 0;
      family.factor[i * d + i] = f == 3 ? 0.1 : 2 + 0.5 * static_cast<double>((i + f) % 3);
    }
    const std::size_t count = f == 2 ? 5 : 1;
    for (std::size_t k = 0; k < count; ++k) {
      family.log_weights.push_back(std::log(weights[f] / static_cast<double>(count)));
      for (std::size_t j = 0; j < d; ++j) family.means.push_back(f == 3 ? 0 : 2 * rng.normal());
    }
    mixture.families.push_back(family);
  }
  return mixture;
}

// ln p by its definition, one Gaussian after the other, in long double.
inline double plain_log_density(const GaussianMixture& mixture, const double* x) {
  const std::size_t d = mixture.dimension;
  long double sum = 0, top = -1e300L;
  for (const bool last : {false, true}) {
    for (const GaussianFamily& family : mixture.families) {
      for (std::size_t k = 0; k < family.log_weights.size(); ++k) {
        long double log_p = family.log_weights[k];
        for (std::size_t i = 0; i < d; ++i) {
          long double e = 0;
          for (std::size_t j = 0; j <= i; ++j) {
            e += static_cast<long double>(family.factor[i * d + j]) *
                 (static_cast<long double>(x[j]) - family.means[k * d + j]);
          }
          log_p += std::log(static_cast<long double>(family.factor[i * d + i])) - e * e / 2 -
                   std::log(2 * 3.14159265358979323846264L) / 2;
        }
        if (last) sum += std::exp(log_p - top);
        top = last ? top : std::max(top, log_p);
      }
    }
  }
  return static_cast<double>(top + std::log(sum));
}

// One row (d) in all lanes.
inline AlignedVector<double> lanes_of(const double* row, std::size_t d) {
  AlignedVector<double> lanes(d * kLanes);
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = row[i / kLanes];
  return lanes;
}

}  // namespace iflow
