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

// ln p of every row, in nats, in the data's own units. rows: (n, row_width) row-major.
// Throws NumericError naming the row (counted from 0) whose density is not a number.
std::vector<double> log_density(const ProvedFlow& flow, std::span<const double> rows);

// The same, estimated: options.method is no exact one, options.probes at least 2. Row i's draws are
// keyed by (seed, row_ids[i]).
std::vector<DensityEstimate> estimate_log_density(const ProvedFlow& flow,
                                                  std::span<const double> rows,
                                                  std::span<const std::uint64_t> row_ids,
                                                  const LogDetOptions& options, std::uint64_t seed);

}  // namespace iflow
