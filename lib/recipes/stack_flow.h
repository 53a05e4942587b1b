// The flow that is a stacked mixture.
#pragma once

#include <optional>

#include "flow/build_flow.h"
#include "mixture/stack.h"

namespace iflow {

// Bounds where columns have them, standardisation, the columns' maps where there are some,
// whitening, and the mixture's map to N(0, I). It has nothing to learn.
FlowConfig stack_flow(const Stack& stack, const std::optional<IntervalConfig>& bounds);

}  // namespace iflow
