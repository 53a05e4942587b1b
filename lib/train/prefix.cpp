#include "train/prefix.h"

#include <algorithm>

#include "base/parallel.h"
#include "flow/lanes.h"

namespace iflow {

namespace {

constexpr std::size_t kTileRows = 16 * kLanes;

// The rows of a tile after the prefix, and their log-determinant.
Transformed pass_prefix(const Flow<double>& flow, Tape<double>& tape, const double* rows,
                        std::size_t n) {
  const Var x = tape.variable(flow.dimension(), groups_for(n));
  rows_to_lanes(rows, n, flow.dimension(), tape.value(x));
  return flow.forward({tape, flow.layout(), nullptr}, x, 0, flow.prefix_layers());
}

}  // namespace

std::vector<float> rows_after_prefix(const FlowConfig& config, std::span<const double> rows) {
  const Flow<double> flow = build_flow<double>(config);
  const std::size_t d = flow.dimension(), n = rows.size() / d;
  std::vector<float> result(rows.size());
  parallel_for((n + kTileRows - 1) / kTileRows, [&](std::size_t tile) {
    Tape<double> tape(false);
    const std::size_t first = tile * kTileRows, count = std::min(kTileRows, n - first);
    const Var y = pass_prefix(flow, tape, rows.data() + first * d, count).y;
    lanes_to_rows(tape.value(y), count, d, result.data() + first * d);
  });
  return result;
}

double prefix_log_det(const FlowConfig& config) {
  const Flow<double> flow = build_flow<double>(config);
  Tape<double> tape(false);
  const std::vector<double> row(flow.dimension(), 0);
  return tape.value(pass_prefix(flow, tape, row.data(), 1).log_det)[0];
}

}  // namespace iflow
