#include "recipes/image_flows.h"

#include <algorithm>
#include <cmath>

#include "recipes/coupling_flows.h"

namespace iflow {

namespace {

// Blocks work at no more than so many sizes of an image, each half the one before.
constexpr int kScales = 2;

bool can_squeeze(const ImageShape& shape) {
  return shape.height % 2 == 0 && shape.width % 2 == 0 && shape.pixels() > 1;
}

// alpha counts the unit interval, as published: it is that of an IntervalMap.
IntervalConfig logit_of(const ImageStatistics& images, double alpha) {
  IntervalConfig bounds;
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
  branch.sides = kernel_sides(options.hidden.size());
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

// What a model has on one size of an image.
void append_scale(const FlowOptions& options, const ImageShape& shape, FlowConfig& flow) {
  if (options.model == ModelKind::kIResNet) {
    append_blocks(options, shape, flow);
  } else if (shape.channels > 1) {
    append_image_couplings(options, shape, flow);
  } else {  // there are no channels to split: the image is a row of a table
    flow.layers.emplace_back(ActNormConfig{});
    append_couplings(options, flow);
  }
}

}  // namespace

// 24 blocks a size: 16 are ahead in the first minutes, and .01 bits per dimension behind after an
// hour. (tests/bench/RESULTS.md, defaults of images)
FlowOptions default_image_options(ModelKind model) {
  if (model != ModelKind::kIResNet) return default_image_coupling_options(model);
  FlowOptions options;
  options.blocks = 24;
  options.hidden = {24, 24};
  options.activation = "clipswish";
  options.activation_start = 1;
  options.activation_first = true;
  options.coefficient = 0.98;
  options.start_gain = 1;
  return options;
}

// No l1 penalty: that of tables ruins long plans, whose blocks die one after the other. Roulette's
// tail falls as a power, for its finite variance. (tests/bench/RESULTS.md, defaults of images)
TrainConfig default_image_train_config(std::size_t training_images, const ImageShape& shape,
                                       ModelKind model) {
  TrainConfig config = default_train_config(training_images, shape.size(), model);
  config.batch = 32;
  config.learning_rate = 1e-2;
  if (model == ModelKind::kIResNet) {
    config.norm_every = 4;
    config.l1 = 0;
    config.jacobian_penalty = 0;  // tables of two columns have one, an image may be as small
    config.log_det.method = LogDetMethod::kRoulette;
    config.log_det.tail = RouletteTail::kPower;
  } else {
    config.clip = 2;  // RESULTS.md, defaults of coupling flows
    config.warmup = 0.1;
  }
  set_image_plan(config, std::clamp<std::uint64_t>(training_images / 4, 1000, 20000));
  return config;
}

void set_image_plan(TrainConfig& config, std::uint64_t steps) {
  // A validation takes as long as dozens of steps.
  constexpr std::uint64_t kLeastBetweenValidations = 250;
  set_plan_of(20, config, steps);
  config.validate_every =
      std::min(std::max(config.validate_every, kLeastBetweenValidations), steps);
}

FlowConfig make_image_flow(const FlowOptions& options, const ImageStatistics& images) {
  FlowConfig flow;
  flow.dimension = images.shape.size();
  if (options.marginal == PixelMarginal::kGaussian) {
    flow.layers.emplace_back(MarginalConfig{images.pixels.masses});
  } else {
    flow.layers.emplace_back(logit_of(images, options.alpha));
  }
  const bool couples = options.model != ModelKind::kIResNet;
  ImageShape shape = images.shape;
  if (!can_squeeze(shape)) append_scale(options, shape, flow);
  for (int scale = 0; scale < kScales && can_squeeze(shape); ++scale) {
    if (couples && scale > 0) {
      flow.layers.emplace_back(FactorOutConfig{shape});
      shape = kept_by_factor_out(shape);
    }
    flow.layers.emplace_back(SqueezeConfig{shape});
    shape = squeezed(shape);
    append_scale(options, shape, flow);
  }
  flow.layers.emplace_back(ActNormConfig{});
  return flow;
}

}  // namespace iflow
