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

// Passes over all convolutions that a training step needs: the values, a Jacobian product for each
// term, the last of which is the surrogate's; for the values and the surrogate's tangents the
// gradients of inputs and of weights.
double needed_passes(const LogDetConfig& config) { return 1 + mean_terms(config) + 2 * 2; }

// Those that make a block's values again for its backward pass, so that memory does not grow with
// the blocks.
constexpr double kRepeatedPasses = 1;

// Floating-point operations of one pass for a batch; products with the zeros outside the image
// count.
double pass_flops(const ParameterLayout& layout, std::size_t batch) {
  double products = 0;
  for (const ParameterInfo& info : layout.entries()) {
    if (info.convolution) products += static_cast<double>(info.convolution->products());
  }
  return 2 * products * static_cast<double>(batch);
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
  const double needed = needed_passes(config.log_det);
  const double flops = needed * pass_flops(layout, config.batch);
  std::printf(
      "Training step, images of 28x28: 16 + 16 blocks, %zu parameters, batch %zu, roulette, %.0f "
      "MFLOP in products an image\n",
      layout.count(), config.batch, flops / static_cast<double>(config.batch) * 1e-6);
  const StepTime one = print_step_time(trainer, flops);
  std::printf(
      "%.2f ms an image; %.0f %% of the peak with the values that are made a second time\n\n",
      one.seconds * 1e3 / static_cast<double>(config.batch),
      100 * one.share * (needed + kRepeatedPasses) / needed);
}

}  // namespace iflow
