#include "train/image_flows.h"

namespace iflow {

FlowOptions default_image_options(std::size_t training_images, const ImageShape& shape,
                                  ModelKind model) {
  return default_flow_options(training_images, shape.size(), model);
}

TrainConfig default_image_train_config(std::size_t training_images, const ImageShape& shape,
                                       ModelKind model) {
  return default_train_config(training_images, shape.size(), model);
}

FlowConfig make_image_flow(const FlowOptions& options, const ImageStatistics& images) {
  const std::size_t d = images.shape.size();
  FlowConfig flow = make_flow(options, {std::vector<double>(d, 0), std::vector<double>(d, 1)});
  // Gaussianised, the numbers need no standardisation.
  flow.layers.front() = MarginalConfig{images.pixels.masses};
  return flow;
}

}  // namespace iflow
