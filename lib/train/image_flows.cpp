#include "train/image_flows.h"

#include <algorithm>
#include <cmath>

#include "train/coupling_flows.h"

namespace iflow {

namespace {

// Blocks work at no more than so many sizes of an image, each half the one before.
constexpr int kScales = 2;

bool can_squeeze(const ImageShape& shape) {
  return shape.height % 2 == 0 && shape.width % 2 == 0 && shape.pixels() > 1;
}

// alpha counts the unit interval, as published: it is that of a BoundedColumn.
BoundsConfig logit_of(const ImageStatistics& images, double alpha) {
  BoundsConfig bounds;
  bounds.alpha = alpha;
  const auto values = static_cast<double>(images.pixels.masses.front().size());
  for (std::size_t j = 0; j < images.shape.size(); ++j) {
    bounds.columns.push_back({j, 0.0, std::nextafter(values, 0.0), 1});
  }
  return bounds;
}

ConvolutionalBranchConfig branch_of(const FlowOptions& options, const ImageShape& shape) {
  ConvolutionalBranchConfig branch;
  branch.image = shape;
  branch.filters = options.hidden;
  branch.sides.assign(options.hidden.size() + 1, 1);
  branch.sides.front() = branch.sides.back() = 3;
  branch.activation = options.activation;
  branch.activation_start = options.activation_start;
  branch.activation_first = options.activation_first;
  branch.start_gain = options.start_gain;
  branch.coefficient = options.coefficient;
  return branch;
}

void append_blocks(const FlowOptions& options, const ImageShape& shape, FlowConfig& flow) {
  for (std::size_t i = 0; i < options.blocks; ++i) {
    flow.layers.emplace_back(ActNormConfig{shape.channels});
    flow.layers.emplace_back(ConvolutionalBlockConfig{branch_of(options, shape)});
  }
}

}  // namespace

FlowOptions default_image_options(std::size_t training_images, const ImageShape& shape,
                                  ModelKind model) {
  if (model != ModelKind::kIResNet) {
    return default_flow_options(training_images, shape.size(), model);
  }
  FlowOptions options;
  options.blocks = 16;
  options.hidden = {24, 24};
  options.activation = "clipswish";
  options.activation_start = 1;
  options.activation_first = true;
  options.coefficient = 0.98;
  options.start_gain = 1;
  return options;
}

TrainConfig default_image_train_config(std::size_t training_images, const ImageShape& shape,
                                       ModelKind model) {
  TrainConfig config = default_train_config(training_images, shape.size(), model);
  if (model == ModelKind::kIResNet) {
    config.batch = 32;
    config.learning_rate = 1e-2;
    config.norm_every = 4;
    config.log_det.method = LogDetMethod::kRoulette;
  }
  set_image_plan(config, std::clamp<std::uint64_t>(training_images / 4, 1000, 20000));
  return config;
}

void set_image_plan(TrainConfig& config, std::uint64_t steps) {
  constexpr std::uint64_t kValidations = 20;
  config.steps = steps;
  config.validate_every = std::max<std::uint64_t>(steps / kValidations, 1);
  config.patience = std::max<std::uint64_t>(2 * steps / 5, 1);
}

FlowConfig make_image_flow(const FlowOptions& options, const ImageStatistics& images) {
  FlowConfig flow;
  flow.dimension = images.shape.size();
  if (options.marginal == PixelMarginal::kGaussian) {
    flow.layers.emplace_back(MarginalConfig{images.pixels.masses});
  } else {
    flow.layers.emplace_back(logit_of(images, options.alpha));
  }
  if (options.model != ModelKind::kIResNet) {
    flow.layers.emplace_back(ActNormConfig{});
    append_couplings(options, flow);
  }
  ImageShape shape = images.shape;
  for (int scale = 0; scale < kScales && options.model == ModelKind::kIResNet; ++scale) {
    if (!can_squeeze(shape)) {
      if (scale == 0) append_blocks(options, shape, flow);
      break;
    }
    flow.layers.emplace_back(SqueezeConfig{shape});
    shape = squeezed(shape);
    append_blocks(options, shape, flow);
  }
  flow.layers.emplace_back(ActNormConfig{});
  return flow;
}

}  // namespace iflow
