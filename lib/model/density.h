// Log-densities of a model, exactly or by an estimator; of integers, averaged over draws of their
// noise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/columns.h"
#include "model/flow_model.h"
#include "model/rows.h"

namespace iflow {

struct DensityOptions {
  std::optional<LogDetMethod> method;  // none: exact up to kMostExactColumns, else the series
  LogDetOptions estimate = LogDetOptions::for_evaluation();
  std::uint64_t seed = 0;
  std::optional<std::size_t> draws;  // of every row's noise, for a model with integer columns
  std::optional<double> max_bound;   // of estimate; none: what suits the model
  std::uint64_t first_row = 0;       // index of the first input row
  bool probes_given = false;         // whether the number of probes is not the default
};

// An exact log-determinant has no noise: up to this many columns it is worth its time.
inline constexpr std::size_t kMostExactColumns = 256;

// How many rows of a result missed what was asked of it.
struct MissedPromises {
  std::size_t standard_errors = 0;  // above LogDetOptions::max_standard_error
  std::size_t bounds = 0;           // above LogDetOptions::max_bound
};

// `model` and `columns` must outlive it.
class Density {
 public:
  // Throws UsageError for draws of a model that has no integer columns.
  Density(const Model& model, const Columns& columns, const DensityOptions& options);

  // How often a row's noise is drawn: 0 without integer columns.
  std::size_t draws() const { return draws_; }
  // Whether results have neither a standard error nor a bound.
  bool is_exact() const { return exact_ && draws_ == 0; }

  // Rows of the data -> the rows as the flow sees them in draw number `draw`.
  std::vector<double> drawn(const Rows& rows, std::size_t draw) const;

  // Of rows of the data (n, columns.width()), row i's draws keyed by (seed, indices[i]). Outside
  // its bounds or off its lattice a row has density zero. Throws NumericError naming a row whose
  // density is not a number.
  std::vector<DensityEstimate> operator()(const Rows& rows) const;

  MissedPromises missed(std::span<const DensityEstimate> results) const;

 private:
  std::vector<std::uint64_t> ids_of(const Rows& rows) const;
  std::vector<DensityEstimate> estimate(std::span<const double> x,
                                        std::span<const std::uint64_t> ids,
                                        std::uint64_t seed) const;
  std::vector<DensityEstimate> average_over_draws(const Rows& rows) const;

  const Model& model_;
  const Columns& columns_;
  DensityOptions options_;
  bool exact_;
  std::size_t draws_;
};

}  // namespace iflow
