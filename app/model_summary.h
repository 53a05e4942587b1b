// A fitted model in a few words.
#pragma once

#include <string>
#include <vector>

#include "base/joined.h"
#include "checkpoint/model_file.h"

namespace iflow {

// The flow's layers from the data to z, equal neighbours together: "standardise", "actnorm",
// "20 residual blocks of 2-32-32-2, sine, c 0.97", "actnorm"; likewise a sequence of up to three:
// "8 x (actnorm, plu matrix, affine coupling of 64-64, sine)".
std::vector<std::string> describe_layers(const FlowConfig& flow);

}  // namespace iflow
