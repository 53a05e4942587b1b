// The layers in front of a flow that have nothing to learn: training sends the data through them
// once.
#pragma once

#include <span>
#include <vector>

#include "flow/build_flow.h"

namespace iflow {

// rows (n, d) in the data's own units, after the prefix layers of the flow: computed in double,
// then rounded.
std::vector<float> rows_after_prefix(const FlowConfig& config, std::span<const double> rows);

// ln |det| of the prefix layers, which is the same for every row: they are affine.
double prefix_log_det(const FlowConfig& config);

}  // namespace iflow
