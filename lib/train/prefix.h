// The layers in front of a flow that have nothing to learn: training sends the data through them
// once.
#pragma once

#include <span>
#include <vector>

#include "flow/build_flow.h"
#include "preprocess/moments.h"

namespace iflow {

struct PrefixedRows {
  std::vector<float> rows;  // (n, row_width), computed in double, then rounded
  double mean_log_det = 0;  // of the prefix layers, over the rows, weighted
};

// rows (n, row_width), n > 0, in the data's own units, after the prefix layers of the flow; their
// condition standardised.
PrefixedRows rows_after_prefix(const FlowConfig& config, std::span<const double> rows,
                               RowWeights weights = {});

// Rows on a tape: those modelled, and their condition, as a pass has it.
struct LoadedRows {
  Var x;
  const float* condition;  // null for a density without one
};

// rows (n, width), n > 0, after the prefix layers; all but the first `dimension` numbers of each
// are its condition.
LoadedRows load_rows(Tape<float>& tape, const float* rows, std::size_t n, std::size_t dimension,
                     std::size_t width);

}  // namespace iflow
