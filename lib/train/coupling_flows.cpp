#include "train/coupling_flows.h"

#include <algorithm>
#include <cmath>

namespace iflow {

FlowOptions default_coupling_options(ModelKind model, std::size_t, std::size_t) {
  FlowOptions options;
  options.model = model;
  options.blocks = 8;
  options.hidden = {64, 64};
  options.activation = "sine";
  options.activation_start = 3;
  options.bins = 8;
  return options;
}

TrainConfig default_coupling_training(ModelKind, std::size_t training_rows, std::size_t) {
  TrainConfig config;
  config.batch = 128;
  config.learning_rate = 2e-3;
  const double steps =
      std::clamp(30000 * std::cbrt(static_cast<double>(training_rows) / 10000), 5000.0, 140000.0);
  set_plan(config, static_cast<std::uint64_t>(steps));
  return config;
}

namespace {

CouplingKind coupling_of(ModelKind model) {
  if (model == ModelKind::kNice) return CouplingKind::kAdditive;
  return model == ModelKind::kSpline ? CouplingKind::kSpline : CouplingKind::kAffine;
}

}  // namespace

void append_couplings(const FlowOptions& options, FlowConfig& flow) {
  CouplingConfig coupling;
  coupling.kind = coupling_of(options.model);
  coupling.hidden = options.hidden;
  coupling.activation = options.activation;
  coupling.activation_start = options.activation_start;
  coupling.bins = options.bins;
  for (std::size_t i = 0; i < options.blocks; ++i) {
    // the ActNorm of the first step is that in front of all blocks
    if (options.model == ModelKind::kGlow && i > 0) flow.layers.emplace_back(ActNormConfig{});
    if (options.model == ModelKind::kGlow || options.model == ModelKind::kSpline) {
      flow.layers.emplace_back(PluConfig{});
    } else {
      coupling.from_second = i % 2 == 1;
    }
    flow.layers.emplace_back(coupling);
  }
}

}  // namespace iflow
