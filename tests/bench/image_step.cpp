#include "bench/image_step.h"

#include <cstdio>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "bench/step_time.h"
#include "train/image_flows.h"

namespace iflow {

namespace {

// Terms of the roulette's series, in the mean: those in front, then each with the chance q.
double mean_terms(const LogDetConfig& config) {
  return static_cast<double>(config.terms) + config.continuation / (1 - config.continuation);
}

// Floating-point operations of the convolutions that one training step needs: of every layer the
// values, a Jacobian product for each term and one for the surrogate; for the values and the
// surrogate's tangents the gradients of inputs and of weights. Values that are made a second time
// don't count; products with the zeros outside the image do.
double step_flops(const ParameterLayout& layout, const TrainConfig& config) {
  double products = 0;
  for (const ParameterInfo& info : layout.entries()) {
    if (info.convolution) products += static_cast<double>(info.convolution->products());
  }
  const double passes = 1 + mean_terms(config.log_det) + 1 + 2 * 2;
  return 2 * products * passes * static_cast<double>(config.batch);
}

}  // namespace

void print_image_step() {
  constexpr std::size_t kImages = 256;
  const ImageShape shape{28, 28, 1};
  const FlowOptions options = default_image_options();
  const TrainConfig config = default_image_train_config(kImages, shape);
  const PixelHistogram pixels{{std::vector<double>(256, 1.0 / 256)}};
  TrainingData data;  // behind the layer of marginals: normal numbers
  Rng rng(1, RngPurpose::kTest);
  for (std::size_t i = 0; i < kImages * shape.size(); ++i) {
    data.rows.push_back(static_cast<float>(rng.normal()));
  }
  Trainer trainer(make_image_flow(options, {shape, pixels}), config, std::move(data));
  trainer.start();
  const ParameterLayout& layout = trainer.flow().layout();
  const double flops = step_flops(layout, config);
  std::printf(
      "Training step, images of 28x28: 16 + 16 blocks, %zu parameters, batch %zu, roulette, %.0f "
      "MFLOP in products an image\n",
      layout.count(), config.batch, flops / static_cast<double>(config.batch) * 1e-6);
  const double seconds = print_step_time(trainer, flops);
  std::printf("%.2f ms an image\n\n", seconds * 1e3 / static_cast<double>(config.batch));
}

}  // namespace iflow
