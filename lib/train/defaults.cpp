#include "train/defaults.h"

#include <algorithm>
#include <cmath>

namespace iflow {

namespace {

// How much more data there is than the 10,000 rows that most of the measurements were made with.
double size_ratio(std::size_t training_rows) { return static_cast<double>(training_rows) / 10000; }

}  // namespace

// Gap to the entropy after a fit, nats, 20 blocks of 2-32-32-2, batch 128, Adam 5e-3:
//   10,000 rows, 30,000 steps    8gaussians  circles  2spirals  pinwheel  rings
//     activation starts at 3          .0086    .0159     .0236     .0189  .0417
//                          4          .0118    .0143     .0154     .0185  .0379
//   10,000 rows, checkerboard: starts at 3, 4, 5, 8, 10: .054, .051, .053, .054, .053; 10 or 30
//     blocks .065, .054; learning rate 2e-3, 1e-2, 2e-2: .060, .050, .054; batch 64 or 256: .055,
//     .053
//   1,000,000 rows, 100,000 steps, starts at 10: checkerboard .0143, rings .0090
// So: low frequencies for few rows, which they smooth, higher ones where the data bears them.
FlowOptions default_flow_options(std::size_t training_rows, std::size_t) {
  FlowOptions options;
  options.blocks = 20;
  options.hidden = {32, 32};
  options.activation = "sine";
  options.activation_start = std::clamp(4 * std::pow(size_ratio(training_rows), 0.4), 2.0, 10.0);
  options.coefficient = 0.97;
  return options;
}

TrainConfig default_train_config(std::size_t training_rows, std::size_t) {
  TrainConfig config;
  config.batch = 128;
  config.learning_rate = 5e-3;
  const double steps = std::clamp(30000 * std::cbrt(size_ratio(training_rows)), 5000.0, 140000.0);
  set_plan(config, static_cast<std::uint64_t>(steps));
  return config;
}

void set_plan(TrainConfig& config, std::uint64_t steps) {
  constexpr std::uint64_t kValidations = 100;
  config.steps = steps;
  config.validate_every = std::max<std::uint64_t>(steps / kValidations, 1);
  config.patience = std::max<std::uint64_t>(2 * steps / 5, 1);
}

FlowConfig residual_flow(const FlowOptions& options, const StandardiseConfig& standardise) {
  DenseBranchConfig branch;
  branch.dimension = standardise.mean.size();
  branch.hidden = options.hidden;
  branch.activation = options.activation;
  branch.activation_start = options.activation_start;
  branch.activation_first = options.activation_first;
  branch.coefficient = options.coefficient;
  FlowConfig flow;
  flow.dimension = branch.dimension;
  flow.layers.emplace_back(standardise);
  flow.layers.emplace_back(ActNormConfig{});
  for (std::size_t i = 0; i < options.blocks; ++i) {
    flow.layers.emplace_back(ResidualBlockConfig{branch});
  }
  flow.layers.emplace_back(ActNormConfig{});
  return flow;
}

}  // namespace iflow
