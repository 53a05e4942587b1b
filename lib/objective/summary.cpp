#include "objective/summary.h"

#include <cmath>
#include <numbers>

namespace iflow {

MeanAndError mean_and_error(std::span<const double> x) {
  const double n = static_cast<double>(x.size());
  double sum = 0;
  for (const double xi : x) sum += xi;
  const double mean = sum / n;
  double squares = 0;
  for (const double xi : x) squares += (xi - mean) * (xi - mean);
  const double error = x.size() > 1 ? std::sqrt(squares / (n - 1) / n) : 0;
  return {mean, error};
}

double bits_per_dimension(double log_density, std::size_t dimension) {
  return -log_density / (static_cast<double>(dimension) * std::numbers::ln2);
}

}  // namespace iflow
