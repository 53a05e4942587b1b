// A Gaussian kernel at every row, one bandwidth for all standardised columns: the density estimate
// that assumes no model. (Silverman, "Density Estimation for Statistics and Data Analysis", 1986)
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "preprocess/moments.h"

namespace iflow {

struct KernelDensity {
  ColumnMoments moments;         // of the columns, (d)
  std::vector<double> centres;   // (n, d), standardised
  double bandwidth = 0;          // in standard deviations
  bool narrowest_tried = false;  // the grid ends there: a narrower one may be better
};

// At most so many rows, evenly spread, become centres; and so many of those choose the bandwidth.
inline constexpr std::size_t kMaxCentres = 50000;
inline constexpr std::size_t kMaxChoosers = 1000;

// The widths tried: 40 in geometric progression.
std::vector<double> kde_bandwidths();
inline constexpr double kNarrowest = 0.01, kWidest = 3;

// Of the bandwidths tried the one of greatest leave-one-out likelihood: the mean of ln p over some
// centres, p the density of all others. rows: (n, d), n > 1, no column constant.
KernelDensity fit_kernel_density(std::span<const double> rows, std::size_t dimension);

// ln p of every row, in nats, in the data's own units. In parallel over the rows.
std::vector<double> log_density(const KernelDensity& kde, std::span<const double> rows);

}  // namespace iflow
