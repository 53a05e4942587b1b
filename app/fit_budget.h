// How many steps a time budget allows on this machine.
#pragma once

#include <cstdint>

#include "train/trainer.h"

namespace iflow {

// Seconds that the parts of a run take.
struct RunCosts {
  double start = 0;       // parameters, first loss, first validation
  double step = 0;        // one step
  double validation = 0;  // one validation
};

// Measures them on a throw-away trainer: some steps and a validation, over and over for a twentieth
// of `seconds` or one second.
RunCosts measure_costs(const FlowConfig& flow, const TrainConfig& train, const TrainingData& data,
                       double seconds);

// `train` with the longest plan whose steps after the first `done` ones fit into `seconds`, with a
// margin; at least one step.
TrainConfig plan_within(TrainConfig train, const RunCosts& costs, std::uint64_t done,
                        double seconds);

}  // namespace iflow
