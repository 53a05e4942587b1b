// The Gaussian with the data's mean and covariance: the baseline that any flow should beat.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "preprocess/moments.h"

namespace iflow {

struct Gaussian {
  std::vector<double> mean;        // (d)
  std::vector<double> covariance;  // (d, d) row-major, positive definite
};

// Maximum likelihood on rows (n, d), n > d. Throws DataError when the covariance is singular to
// working precision: some column is a linear function of the others.
Gaussian fit_gaussian(std::span<const double> rows, std::size_t dimension, RowWeights weights = {});

// Why the numbers are no Gaussian of that dimension; empty if they are one: their
// number, a covariance that is not symmetric (to 1e-9 of the deviations) or not positive definite.
std::string gaussian_problem(const Gaussian& gaussian, std::size_t dimension);

// ln p of every row, in nats.
std::vector<double> log_density(const Gaussian& gaussian, std::span<const double> rows);

}  // namespace iflow
