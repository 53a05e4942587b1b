// ln p of many rows under a flow, exact or estimated: in double, in parallel over blocks of rows. A
// row's result depends on the flow and the row alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flow/proved_flow.h"

namespace iflow {

// An estimated log-density.
struct DensityEstimate {
  double value = 0;
  double standard_error = 0;    // over the probes
  double truncation_bound = 0;  // proved, of the series' missing terms; rounding left out
};

// How log-densities are estimated.
struct EstimateOptions {
  LogDetMethod method = LogDetMethod::kSeries;
  ProbeKind probe = ProbeKind::kRademacher;
  std::size_t probes = 16;  // per row, at least 2
  // More than 0: as many probes as a pilot, discarded afterwards, says this standard error needs.
  double max_standard_error = 0;
  std::size_t terms = 0;    // series: 0 as many as max_bound needs; roulette: always computed
  double max_bound = 1e-3;  // of a row's truncation error, in nats
  double continuation = 0;  // roulette; 0: each block's Lipschitz bound
  std::uint64_t seed = 0;
};

// ln p of every row, in nats, in the data's own units. rows: (n, row_width) row-major.
// Throws NumericError naming the row (counted from 0) whose density is not a number.
std::vector<double> log_density(const ProvedFlow& flow, std::span<const double> rows);

// The same, estimated. Row i's draws are keyed by (seed, row_ids[i]).
std::vector<DensityEstimate> estimate_log_density(const ProvedFlow& flow,
                                                  std::span<const double> rows,
                                                  std::span<const std::uint64_t> row_ids,
                                                  const EstimateOptions& options);

}  // namespace iflow
