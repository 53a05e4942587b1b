#include "fit/budget.h"

#include <algorithm>
#include <cmath>

#include "train/trainer.h"

namespace iflow {
namespace {

// Of the budget; the rest is for the checkpoint, the summary, and busier times than the measured.
constexpr double kUsedPart = 0.9;

// Of the plan after `done` steps; at most, as a refit may end before it.
double seconds_after(const TrainConfig& plan, bool refit, const RunCosts& costs,
                     std::uint64_t done) {
  const auto steps = static_cast<double>(plan.steps - done);
  const double validations = steps / static_cast<double>(plan.validate_every) + 2;
  const double fit = costs.start + steps * costs.step + validations * costs.validation;
  return refit ? fit + costs.start + static_cast<double>(plan.steps) * costs.step : fit;
}

// Measures them by some steps and a validation, over and over.
RunCosts measure_costs(const FlowConfig& flow, const TrainConfig& train, const TrainingData& data,
                       double seconds, const Clock& clock, const std::function<bool()>& goes_on) {
  constexpr std::uint64_t kSteps = 10;  // between validations
  constexpr double kEnough = 1;         // second
  TrainConfig config = train;
  config.validate_every = kSteps;
  config.steps = std::uint64_t{1} << 40U;
  config.patience = 0;
  const double limit = std::min(seconds / 20, kEnough);

  RunCosts costs;
  const double begin = clock();
  Trainer trainer(flow, config, data);
  trainer.start();
  costs.start = costs.validation = clock() - begin;
  bool reached = true;
  // The first round also warms up caches and processors.
  for (int round = 0; reached && (round < 2 || clock() - begin < limit); ++round) {
    std::uint64_t steps = 0;
    double stepping = 0;
    const double round_begin = clock();
    reached = trainer.advance([&](std::uint64_t, double) {
      ++steps;
      const double now = clock();
      stepping = now - round_begin;
      return goes_on() && now - begin < seconds / 3;
    });
    costs.step = stepping / static_cast<double>(steps);
    if (reached) costs.validation = clock() - round_begin - stepping;
  }
  return costs;
}

}  // namespace

TrainConfig plan_within(const Settings& settings, const RunCosts& costs, std::uint64_t done,
                        double seconds) {
  const bool refit = settings.refit.value_or(false);
  const auto plan_of = [&](std::uint64_t steps) { return extended_plan(settings, done + steps); };
  const double usable = kUsedPart * seconds;
  auto steps = static_cast<std::uint64_t>(std::max((usable - costs.start) / costs.step, 1.0));
  while (steps > 1) {
    const TrainConfig plan = plan_of(steps);
    const double excess = seconds_after(plan, refit, costs, done) - usable;
    if (excess <= 0) break;
    // Fewer steps may be validated more often: what a step costs at most, so as not to overshoot.
    const double each =
        (refit ? 2 : 1) * costs.step + costs.validation / static_cast<double>(plan.validate_every);
    const auto fewer = static_cast<std::uint64_t>(std::ceil(excess / each));
    steps -= std::min(fewer, steps - 1);
  }
  return plan_of(steps);
}

TrainConfig plan_for_time(const FlowConfig& flow, const Settings& settings,
                          const TrainingData& data, std::uint64_t done, double seconds,
                          const Clock& clock, const std::function<bool()>& goes_on) {
  const double begin = clock();
  const RunCosts costs = measure_costs(flow, settings.train, data, seconds, clock, goes_on);
  return plan_within(settings, costs, done, seconds - (clock() - begin));
}

}  // namespace iflow
