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

}  // namespace iflow
