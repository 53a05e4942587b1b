// The stacked mixture of a table: what a fit begins from, and the strongest thing to measure one
// against. Candidates of all kinds (members.h) are weighed by the log-densities that they give rows
// held out by folds (stacking.h), in columns as they are and in columns that are mapped one by one
// (column_map.h), and refitted to all rows. All of them are Gaussians, so that their weighted sum
// is one mixture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mixture/column_map.h"
#include "mixture/gaussian_mixture.h"
#include "preprocess/moments.h"

namespace iflow {

struct StackOptions {
  std::uint64_t seed = 0;
  bool kernels = true;  // a model with kernels holds its training rows
  bool maps = true;     // whether columns may be mapped
};

// A member that was kept.
struct StackMember {
  std::string name;
  double weight;           // of all of it
  std::size_t components;  // Gaussians
};

// ln p of a row x is that of `mixture` at y = factor^-1 u, u_j = maps[j]((x_j - mean_j) /
// deviation_j), plus ln |det dy/dx|: layers standardise, column maps (if any), whiten, mixture.
struct Stack {
  ColumnMoments moments;
  std::vector<ColumnMixture> maps;  // (d), or none
  std::vector<double> map_gains;    // (d), or none: held-out nats per row, each column for itself
  std::vector<double> factor;       // (d, d), row-major, lower triangular
  GaussianMixture mixture;

  // Held-out ln p of the given rows (n), in their units: by the members that were not fitted to a
  // row, weighed by all held-out rows. NaN for rows that were not held out.
  std::vector<double> held_out_log_p;
  // The honest figure: weights, space, maps and shrinkage of each fold are those that the other
  // folds' rows choose. Its mean, weighted, and the standard error of that.
  double held_out_mean, held_out_error;
  std::vector<double> honest_log_p;  // (n), NaN for rows that were not held out
  // The same in each space alone; NaN where no column was worth a map.
  double plain_mean, mapped_mean;
  std::size_t folds;  // 1: a single split
  std::vector<StackMember> members;
};

// rows: (n, d) row-major, numbers of at most 1e150, at least 5 that differ; no column constant.
// Weights count as in moments.h. Rows that are equal are one row of more weight: repeating all rows
// changes nothing. Throws DataError for too few rows that differ.
Stack fit_stack(std::span<const double> rows, std::size_t dimension, RowWeights weights = {},
                const StackOptions& options = {});

// ln p of rows (n, d), in their units.
std::vector<double> log_density(const Stack& stack, std::span<const double> rows);

}  // namespace iflow
