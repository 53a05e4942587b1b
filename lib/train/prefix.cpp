#include "train/prefix.h"

#include <algorithm>

#include "base/mean_and_error.h"
#include "base/parallel.h"
#include "flow/lanes.h"

namespace iflow {

namespace {

// Rows to pass at a time: few enough for rows of thousands of numbers to share among threads.
std::size_t tile_rows(std::size_t dimension) {
  constexpr std::size_t kMostGroups = 16, kNumbers = 8192;
  return std::clamp<std::size_t>(kNumbers / dimension / kLanes, 1, kMostGroups) * kLanes;
}

// The rows of a tile after the prefix, and their log-determinant. `width`: numbers in a row.
Transformed pass_prefix(const Flow<double>& flow, Tape<double>& tape, const double* rows,
                        std::size_t n, std::size_t width) {
  const Var x = tape.variable(flow.dimension(), groups_for(n));
  rows_to_lanes(rows, n, flow.dimension(), tape.value(x), width);
  return flow.forward({tape, flow.layout(), nullptr}, x, 0, flow.prefix_layers());
}

}  // namespace

PrefixedRows rows_after_prefix(const FlowConfig& config, std::span<const double> rows,
                               RowWeights weights) {
  const Flow<double> flow = build_flow<double>(config);
  const std::size_t d = flow.dimension(), width = config.row_width(), n = rows.size() / width;
  PrefixedRows result{std::vector<float>(rows.size()), 0};
  std::vector<double> log_dets(n);
  const std::size_t rows_a_tile = tile_rows(d);
  parallel_for((n + rows_a_tile - 1) / rows_a_tile, [&](std::size_t tile) {
    Tape<double> tape(false);
    const std::size_t first = tile * rows_a_tile, count = std::min(rows_a_tile, n - first);
    const double* from = rows.data() + first * width;
    float* to = result.rows.data() + first * width;
    const Transformed y = pass_prefix(flow, tape, from, count, width);
    lanes_to_rows(tape.value(y.y), count, d, to, width);
    const double* condition = load_condition(config.condition, tape, from, count, d);
    if (condition != nullptr) lanes_to_rows(condition, count, width - d, to + d, width);
    lanes_to_rows(tape.value(y.log_det), count, 1, log_dets.data() + first);
  });
  result.mean_log_det = mean_and_error(log_dets, weights).mean;
  return result;
}

LoadedRows load_rows(Tape<float>& tape, const float* rows, std::size_t n, std::size_t dimension,
                     std::size_t width) {
  const std::size_t condition = width - dimension;
  const Var x = tape.variable(dimension, groups_for(n));
  rows_to_lanes(rows, n, dimension, tape.value(x), width);
  if (condition == 0) return {x, nullptr};
  float* lanes = tape.scratch(condition * groups_for(n) * kLanes);
  rows_to_lanes(rows + dimension, n, condition, lanes, width);
  return {x, lanes};
}

}  // namespace iflow
