// Models of equal size.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "recipes/defaults.h"

namespace iflow {

// The widths of the hidden layers, as equal as can be, with which a flow that is like `options` in
// all else comes closest to `parameters` numbers learned; `flow_of` makes the flow. Throws
// UsageError, beginning with "--parameters" and naming the model, where even widths of 1 make more.
std::vector<std::size_t> widths_for(std::size_t parameters, const std::string& model,
                                    const FlowOptions& options,
                                    const std::function<FlowConfig(const FlowOptions&)>& flow_of);

}  // namespace iflow
