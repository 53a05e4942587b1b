// Flows of images, with defaults that suit them.
#pragma once

#include "data/images.h"
#include "flow/build_flow.h"
#include "objective/pixels.h"
#include "train/defaults.h"

namespace iflow {

// What a flow of images is told before it learns.
struct ImageStatistics {
  ImageShape shape;
  PixelHistogram pixels;  // of the images to train on
};

FlowOptions default_image_options(std::size_t training_images, const ImageShape& shape,
                                  ModelKind model = ModelKind::kIResNet);

// Everything of a run but its seed.
TrainConfig default_image_train_config(std::size_t training_images, const ImageShape& shape,
                                       ModelKind model = ModelKind::kIResNet);

// From rows of dequantised pixels in [0, 2^bits), elements in the order [height][width][channels]:
// marginal Gaussianisation of every channel, then as for a table.
FlowConfig make_image_flow(const FlowOptions& options, const ImageStatistics& images);

}  // namespace iflow
