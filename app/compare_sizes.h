// Models of equal size.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "train/defaults.h"

namespace iflow {

// The widths of the hidden layers, as equal as can be, with which a flow on this many columns that
// is like `options` in all else comes closest to `parameters` numbers learned. Throws UsageError,
// beginning with "--parameters" and naming the model, where even widths of 1 make more.
std::vector<std::size_t> widths_for(std::size_t parameters, const std::string& model,
                                    const FlowOptions& options, std::size_t columns);

}  // namespace iflow
