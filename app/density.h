// How a command finds log-densities: exactly, or by an estimator with its options.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "flow/dequantise.h"
#include "model/flow_model.h"
#include "row_stream.h"

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

// An exact log-determinant has no noise: up to this many columns it is worth its time. Measured
// with 20 blocks of hidden widths 64, 64, one thread, 1,000 rows: exact .20 s at 16 columns, .63 s
// at 32, 2.4 s at 64; the series with 16 probes, a row's standard error being tenths of a nat, 1.0,
// 1.3 and 2.6 s; with as many probes as a standard error of .1 needs, 60 and 135 s at 16 and 32.
inline constexpr std::size_t kMostExactColumns = 256;

// --logdet, --terms, --probes, --probe, --continuation, --max-se, --max-bound, --draws,
// --first-row,
// --seed.
void add_density_options(CLI::App& command, DensityOptions& options);

// To be called once everything is parsed. Throws UsageError for options that contradict each other.
void settle_density(const CLI::App& command, DensityOptions& options);

class Density {
 public:
  // Throws UsageError for draws of a model that has no integer columns.
  Density(const Fit& fit, const Model& model, const DensityOptions& options);

  const Dequantise& dequantise() const { return dequantise_; }
  // How often a row's noise is drawn: 0 without integer columns.
  std::size_t draws() const { return draws_; }
  // The rows as the flow sees them in draw number `draw`.
  std::vector<double> drawn(const Rows& rows, std::size_t draw) const;

  // The columns of its results: logprob, and of an estimate or an average over draws se and bound.
  std::vector<std::string> columns() const;
  // (n, columns().size())
  std::vector<double> operator()(const Rows& rows);
  // Writes a warning and ends the program with exit code 5 if a promise was missed: a standard
  // error above --max-se or a bound above --max-bound.
  void check_promises() const;

 private:
  std::vector<std::uint64_t> ids_of(const Rows& rows) const;
  std::vector<DensityEstimate> estimate(std::span<const double> x,
                                        std::span<const std::uint64_t> ids,
                                        std::uint64_t seed) const;
  std::vector<DensityEstimate> average_over_draws(const Rows& rows) const;

  const Model& model_;
  Dequantise dequantise_;
  DensityOptions options_;
  bool exact_;
  std::size_t draws_;
  std::size_t wide_errors_ = 0, wide_bounds_ = 0;  // rows above --max-se and --max-bound
};

}  // namespace iflow
