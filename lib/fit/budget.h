// How many steps a time budget allows on this machine.
#pragma once

#include <cstdint>
#include <functional>

#include "recipes/settings.h"
#include "train/training_data.h"

namespace iflow {

// Seconds that the parts of a run take.
struct RunCosts {
  double start = 0;       // parameters, first loss, first validation
  double step = 0;        // one step
  double validation = 0;  // one validation
};

// The longest plan for these settings whose steps after the first `done` ones fit into `seconds`
// with a margin, and the refit, if there is one, too; at least one step.
TrainConfig plan_within(const Settings& settings, const RunCosts& costs, std::uint64_t done,
                        double seconds);

// Counts seconds, from whenever.
using Clock = std::function<double()>;

// The same where `seconds` count from now and the costs are measured on a throw-away trainer, for a
// twentieth of `seconds` or one second; less when `goes_on` ends it.
TrainConfig plan_for_time(const FlowConfig& flow, const Settings& settings,
                          const TrainingData& data, std::uint64_t done, double seconds,
                          const Clock& clock, const std::function<bool()>& goes_on);

}  // namespace iflow
