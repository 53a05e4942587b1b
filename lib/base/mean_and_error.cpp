#include "base/mean_and_error.h"

#include <cmath>
#include <numbers>

namespace iflow {

MeanAndError mean_and_error(std::span<const double> x, RowWeights weights) {
  const double n = static_cast<double>(x.size());
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = weight_of(weights, i);
    sum += weight * x[i];
    total += weight;
  }
  const double mean = sum / total;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = weight_of(weights, i);
    squares += weight * weight * (x[i] - mean) * (x[i] - mean);
  }
  const double error = x.size() > 1 ? std::sqrt(squares * n / (n - 1)) / total : 0;
  return {mean, error};
}

double bits_per_dimension(double log_density, std::size_t dimension) {
  return -log_density / (static_cast<double>(dimension) * std::numbers::ln2);
}

MeanAndError bits_per_dimension(const MeanAndError& log_density, std::size_t dimension) {
  return {bits_per_dimension(log_density.mean, dimension),
          -bits_per_dimension(log_density.standard_error, dimension)};
}

}  // namespace iflow
