// How many steps a time budget allows on this machine.
#pragma once

#include <cstdint>

#include "recipes/settings.h"
#include "train/training_data.h"

namespace iflow {

// The longest plan for these settings whose steps after the first `done` ones fit into `seconds`
// from now, with a margin, and the refit, if there is one, too; at least one step. What a step
// costs is measured on a throw-away trainer, for a twentieth of `seconds` or one second.
TrainConfig plan_for_time(const FlowConfig& flow, const FitSettings& settings,
                          const TrainingData& data, std::uint64_t done, double seconds);

}  // namespace iflow
