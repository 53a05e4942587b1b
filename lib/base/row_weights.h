// Weights of rows.
#pragma once

#include <cstddef>
#include <span>

namespace iflow {

// Weights of rows: (n), >= 0, not all zero; empty means 1 each. A row of weight 2 counts as two
// rows.
using RowWeights = std::span<const double>;
inline double weight_of(RowWeights weights, std::size_t row) {
  return weights.empty() ? 1 : weights[row];
}

// The number of rows of equal weight whose mean is as certain: (sum w)^2 / sum w^2. (Kish, "Survey
// Sampling", 1965)
double effective_rows(RowWeights weights);

}  // namespace iflow
