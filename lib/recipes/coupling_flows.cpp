#include "recipes/coupling_flows.h"

namespace iflow {

// Sixteen couplings and ReLU, as in the papers, whose loss did not jump; for splines, which need
// fewer, and for three and more columns, sine. The log-scale's bound of 2 is better than 1 and 4.
// (tests/bench/RESULTS.md, defaults of coupling flows)
FlowOptions default_coupling_options(ModelKind model, std::size_t training_rows,
                                     std::size_t columns) {
  FlowOptions options;
  options.model = model;
  options.hidden = {64, 64};
  options.bins = 8;
  options.activation = "sine";
  options.activation_start = 3;
  options.blocks = 8;
  if (columns > kPlane) {
    const bool many = training_rows >= kManyTableRows;
    options.activation_start = many ? 2 : 0.5;
    options.bins = many ? 8 : 3;
  } else if (model != ModelKind::kSpline) {
    options.activation = "relu";
    options.activation_start = 1;
    options.blocks = 16;
  }
  return options;
}

// Many narrow couplings, fewer of splines, whose maps cost more. A single image far out can make a
// gradient 500,000 times the usual one: hence the clip of default_image_train_config.
// (tests/bench/RESULTS.md, defaults of coupling flows)
FlowOptions default_image_coupling_options(ModelKind model) {
  const bool is_spline = model == ModelKind::kSpline;
  FlowOptions options;
  options.model = model;
  options.blocks = is_spline ? 8 : 16;
  options.hidden = is_spline ? std::vector<std::size_t>{32, 32} : std::vector<std::size_t>{40, 40};
  options.activation = "relu";
  options.activation_start = 1;
  options.bins = 4;
  return options;
}

// NICE has a quarter of the rate: at that of the others it learns nothing of circles.
// (tests/bench/RESULTS.md, defaults of coupling flows)
double default_coupling_rate(ModelKind model) { return model == ModelKind::kNice ? 5e-4 : 2e-3; }

namespace {

CouplingKind coupling_of(ModelKind model) {
  if (model == ModelKind::kNice) return CouplingKind::kAdditive;
  return model == ModelKind::kSpline ? CouplingKind::kSpline : CouplingKind::kAffine;
}

// Whether a matrix mixes the columns in front of every coupling.
bool has_matrices(ModelKind model) {
  return model == ModelKind::kGlow || model == ModelKind::kSpline;
}

CouplingConfig coupling_config(const FlowOptions& options) {
  CouplingConfig coupling;
  coupling.kind = coupling_of(options.model);
  coupling.hidden = options.hidden;
  coupling.activation = options.activation;
  coupling.activation_start = options.activation_start;
  coupling.bins = options.bins;
  return coupling;
}

}  // namespace

std::vector<std::size_t> kernel_sides(std::size_t hidden) {
  std::vector<std::size_t> sides(hidden + 1, 1);
  sides.front() = sides.back() = 3;
  return sides;
}

void append_couplings(const FlowOptions& options, FlowConfig& flow) {
  CouplingConfig coupling = coupling_config(options);
  for (std::size_t i = 0; i < options.blocks; ++i) {
    // the ActNorm of the first step is that in front of all blocks
    if (options.model == ModelKind::kGlow && i > 0) flow.layers.emplace_back(ActNormConfig{});
    if (has_matrices(options.model)) {
      flow.layers.emplace_back(PluConfig{});
    } else {
      coupling.from_second = i % 2 == 1;
    }
    flow.layers.emplace_back(coupling);
  }
}

void append_image_couplings(const FlowOptions& options, const ImageShape& shape, FlowConfig& flow) {
  CouplingConfig coupling = coupling_config(options);
  coupling.image = shape;
  coupling.sides = kernel_sides(options.hidden.size());
  const bool has_checkerboard = shape.channels % 4 == 0;
  for (std::size_t i = 0; i < options.blocks; ++i) {
    flow.layers.emplace_back(ActNormConfig{shape.channels});
    if (has_matrices(options.model)) {
      flow.layers.emplace_back(PluConfig{shape.channels});
    } else {
      coupling.from_second = i % 2 == 1;
      coupling.mask =
          has_checkerboard && i / 2 % 2 == 0 ? ChannelMask::kCheckerboard : ChannelMask::kHalves;
    }
    flow.layers.emplace_back(coupling);
  }
}

}  // namespace iflow
