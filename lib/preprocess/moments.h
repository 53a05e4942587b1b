// Mean and standard deviation of every column: what brings a table to zero mean and unit variance.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace iflow {

struct ColumnMoments {
  std::vector<double> mean;       // (d)
  std::vector<double> deviation;  // (d), of the rows themselves: sqrt(sum (x - mean)^2 / n)
};

// Weights of rows, wherever there are some: (n), >= 0, not all zero; none at all means 1 each. A
// row of weight 2 counts as two.
using RowWeights = std::span<const double>;
inline double weight_of(RowWeights weights, std::size_t row) {
  return weights.empty() ? 1 : weights[row];
}

// How many rows of equal weight know a mean as well: (sum w)^2 / sum w^2. (Kish, "Survey Sampling",
// 1965)
double effective_rows(RowWeights weights);

// rows: (n, d) row-major, n > 0, numbers of at most 1e150.
ColumnMoments column_moments(std::span<const double> rows, std::size_t columns,
                             RowWeights weights = {});

// (x - mean) / deviation. deviation > 0.
std::vector<double> standardised(std::span<const double> rows, const ColumnMoments& moments);

}  // namespace iflow
