// The activations that a branch can have, by name.
#pragma once

#include <string>
#include <vector>

#include "kernels/channel_activation.h"

namespace iflow {

// sigmoid, tanh, relu, elu, lipswish, clipswish, sine.
const std::vector<std::string>& activation_names();

// Throws UsageError for a name that is none of these, naming the nearest one.
ChannelActivation find_activation(const std::string& name);

}  // namespace iflow
