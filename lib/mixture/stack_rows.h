// The rows that a stack is learned from: those that differ, and how they are held out.
#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "preprocess/moments.h"

namespace iflow {

// Rows that are learned from, and rows that are scored.
struct TrainingSet {
  std::vector<Eigen::Index> train, held;
};

// Rows that differ, with weights whose sum is the number of rows that they are worth, and how they
// are held out: every row by at most one set.
struct StackRows {
  Eigen::MatrixXd rows;     // (n, d)
  Eigen::VectorXd weights;  // (n), > 0
  std::vector<TrainingSet> sets;
};

// Rows that differ, in order of their first appearance.
struct DistinctRows {
  StackRows data;  // without sets
  // Which of them a given row is; none where its weight is zero or it is not among the rows used.
  std::vector<std::optional<Eigen::Index>> of;
};

// Rows (n, d) that are equal are one of more weight; weights are scaled to a sum of effective_rows.
// Of many rows 12,000 are drawn by the seed. Throws DataError for fewer than 5 rows that differ.
DistinctRows distinct_rows(std::span<const double> rows, std::size_t dimension, RowWeights weights,
                           std::uint64_t seed);

// Folds of n rows, drawn by the seed; for a single one, `held_out` rows are scored and the others
// learned from.
std::vector<TrainingSet> draw_sets(std::size_t n, std::size_t folds, std::size_t held_out,
                                   std::uint64_t seed);

}  // namespace iflow
