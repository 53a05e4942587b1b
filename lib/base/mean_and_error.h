// Means over rows with their standard errors, and units.
#pragma once

#include <span>

#include "base/row_weights.h"

namespace iflow {

struct MeanAndError {
  double mean;
  double standard_error;  // of the mean, over rows; 0 for a single row
};

// n > 0. The error of a weighted mean is that of a ratio: sum w^2 (x - mean)^2 n / (n - 1), its
// root over sum w. (Cochran, "Sampling Techniques", 1977)
MeanAndError mean_and_error(std::span<const double> x, RowWeights weights = {});

// Mean log-density in nats per row -> bits per dimension (negative log-likelihood).
double bits_per_dimension(double log_density, std::size_t dimension);
MeanAndError bits_per_dimension(const MeanAndError& log_density, std::size_t dimension);

}  // namespace iflow
