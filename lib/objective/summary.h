// Means over rows with their standard errors, and units.
#pragma once

#include <span>

namespace iflow {

struct MeanAndError {
  double mean;
  double standard_error;  // of the mean, over rows; 0 for a single row
};

// n > 0.
MeanAndError mean_and_error(std::span<const double> x);

// Mean log-density in nats per row -> bits per dimension (negative log-likelihood).
double bits_per_dimension(double log_density, std::size_t dimension);

}  // namespace iflow
