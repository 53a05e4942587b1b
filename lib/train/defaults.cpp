#include "train/defaults.h"

#include <algorithm>

namespace iflow {

FlowOptions default_flow_options(std::size_t training_rows, std::size_t) {
  FlowOptions options;
  options.blocks = 20;
  options.hidden = {32, 32};
  options.activation = "sine";
  options.activation_start = training_rows >= 100000 ? 10 : 4;
  options.coefficient = 0.97;
  return options;
}

TrainConfig default_train_config(std::size_t training_rows, std::size_t) {
  TrainConfig config;
  config.batch = 128;
  config.learning_rate = 5e-3;
  set_plan(config, training_rows >= 100000 ? 80000 : 10000);
  return config;
}

void set_plan(TrainConfig& config, std::uint64_t steps) {
  constexpr std::uint64_t kValidations = 100;
  config.steps = steps;
  config.validate_every = std::max<std::uint64_t>(steps / kValidations, 1);
  config.patience = std::max<std::uint64_t>(steps / 2, 1);
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
