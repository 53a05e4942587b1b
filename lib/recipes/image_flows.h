// Flows of images, with defaults that suit them.
#pragma once

#include "baselines/pixels.h"
#include "data/images.h"
#include "flow/build_flow.h"
#include "recipes/defaults.h"

namespace iflow {

// What a flow of images is told before it learns.
struct ImageStatistics {
  ImageShape shape;
  PixelHistogram pixels;  // of the images to train on
};

FlowOptions default_image_options(ModelKind model = ModelKind::kIResNet);

// Everything of a run but its seed.
TrainConfig default_image_train_config(std::size_t training_images, const ImageShape& shape,
                                       ModelKind model = ModelKind::kIResNet);

// Validation points and patience that suit a plan of `steps` steps, at least 1; they follow from
// `steps` alone, so that a plan made for a time is that of its number of steps.
void set_image_plan(TrainConfig& config, std::uint64_t steps);

// From rows of dequantised pixels in [0, 2^bits), elements in the order [height][width][channels].
// The marginal of every pixel is made Gaussian, or its logit taken. An i-ResNet has `blocks`
// convolutional blocks, each behind an ActNorm of channels, on images squeezed once, as many on
// images squeezed twice, as far as the sides are even, and at the end an ActNorm of every element:
// a learned diagonal base density. Coupling flows have convolutional couplings in the place of
// blocks (coupling_flows.h), and half of the channels leave in front of the second squeeze; grey
// images of an odd side they take as rows of a table.
FlowConfig make_image_flow(const FlowOptions& options, const ImageStatistics& images);

}  // namespace iflow
