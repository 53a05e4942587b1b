// Mean and standard deviation of every column: what brings a table to zero mean and unit variance.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/row_weights.h"

namespace iflow {

struct ColumnMoments {
  std::vector<double> mean;       // (d)
  std::vector<double> deviation;  // (d), of the rows themselves: sqrt(sum (x - mean)^2 / n)
};

// rows: (n, d) row-major, n > 0, numbers of at most 1e150.
ColumnMoments column_moments(std::span<const double> rows, std::size_t columns,
                             RowWeights weights = {});

// (x - mean) / deviation. deviation > 0.
std::vector<double> standardised(std::span<const double> rows, const ColumnMoments& moments);

}  // namespace iflow
