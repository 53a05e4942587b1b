// How many steps a time budget allows on this machine.
#pragma once

#include <cstdint>

#include "train/trainer.h"

namespace iflow {

// `train` with the longest plan whose steps after the first `done` ones fit into `seconds` from
// now, with a margin; at least one step. What a step costs is measured on a throw-away trainer,
// for a twentieth of `seconds` or one second.
TrainConfig plan_for_time(const FlowConfig& flow, const TrainConfig& train,
                          const TrainingData& data, std::uint64_t done, double seconds);

}  // namespace iflow
