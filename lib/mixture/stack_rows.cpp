#include "mixture/stack_rows.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr std::size_t kLeastRows = 5;
constexpr std::size_t kMostRows = 12000;  // that anything is learned or chosen from

// A permutation of n rows.
std::vector<std::size_t> shuffled(std::size_t n, std::uint64_t seed, std::uint64_t key) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(seed, RngPurpose::kSplit, key);
  for (std::size_t i = 0; i + 1 < n; ++i) std::swap(order[i], order[i + rng.below(n - i)]);
  return order;
}

// Numbers the given rows by what they hold.
std::vector<std::optional<Index>> number_rows(std::span<const double> rows, std::size_t d,
                                              RowWeights weights, std::uint64_t seed) {
  const std::size_t n = rows.size() / d;
  std::vector<std::size_t> used = shuffled(n, seed, 0);
  used.resize(std::min(n, kMostRows));
  std::sort(used.begin(), used.end());
  std::vector<std::size_t> order;
  for (const std::size_t i : used) {
    if (weight_of(weights, i) > 0) order.push_back(i);
  }
  const auto row = [&](std::size_t i) { return rows.subspan(i * d, d); };
  const auto before = [&](std::size_t a, std::size_t b) {
    return std::lexicographical_compare(row(a).begin(), row(a).end(), row(b).begin(), row(b).end());
  };
  std::stable_sort(order.begin(), order.end(), before);
  std::vector<std::size_t> first(n, n);  // the first row that is equal
  for (std::size_t k = 0; k < order.size(); ++k) {
    const bool repeats = k > 0 && !before(order[k - 1], order[k]);
    first[order[k]] = repeats ? first[order[k - 1]] : order[k];
  }
  std::vector<std::optional<Index>> of(n);
  Index count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (first[i] < n) of[i] = first[i] == i ? count++ : of[first[i]];
  }
  return of;
}

}  // namespace

DistinctRows distinct_rows(std::span<const double> rows, std::size_t d, RowWeights weights,
                           std::uint64_t seed) {
  DistinctRows distinct{{}, number_rows(rows, d, weights, seed)};
  Index count = 0;
  for (const auto& number : distinct.of) count = std::max(count, number ? *number + 1 : 0);
  StackRows& data = distinct.data;
  data.rows.resize(count, static_cast<Index>(d));
  data.weights = VectorXd::Zero(count);
  for (std::size_t i = 0; i < distinct.of.size(); ++i) {
    if (!distinct.of[i]) continue;
    for (std::size_t j = 0; j < d; ++j) {
      data.rows(*distinct.of[i], static_cast<Index>(j)) = rows[i * d + j];
    }
    data.weights(*distinct.of[i]) += weight_of(weights, i);
  }
  const auto n = static_cast<std::size_t>(count);
  if (n < kLeastRows) throw DataError("there are fewer than 5 rows that differ");
  data.weights *= effective_rows({data.weights.data(), n}) / data.weights.sum();
  return distinct;
}

std::vector<TrainingSet> draw_sets(std::size_t n, std::size_t folds, std::size_t held_out,
                                   std::uint64_t seed) {
  const std::vector<std::size_t> order = shuffled(n, seed, 1);
  std::vector<TrainingSet> sets(folds);
  for (std::size_t s = 0; s < folds; ++s) {
    const std::size_t begin = folds > 1 ? s * n / folds : 0;
    const std::size_t end = folds > 1 ? (s + 1) * n / folds : held_out;
    for (std::size_t i = 0; i < n; ++i) {
      const bool held = i >= begin && i < end;
      (held ? sets[s].held : sets[s].train).push_back(static_cast<Index>(order[i]));
    }
    std::sort(sets[s].held.begin(), sets[s].held.end());
    std::sort(sets[s].train.begin(), sets[s].train.end());
  }
  return sets;
}

}  // namespace iflow
