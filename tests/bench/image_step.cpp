#include "bench/image_step.h"

#include <cstdio>
#include <numbers>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "bench/step_time.h"
#include "recipes/image_flows.h"

namespace iflow {

namespace {

// Terms of the roulette's series, in the mean: n in front, then term k with the chance (n / k)^2.
double mean_terms(const LogDetOptions& options) {
  double squares = std::numbers::pi * std::numbers::pi / 6;  // sum over k > n of 1 / k^2
  const std::size_t terms = options.terms.value();
  for (std::size_t k = 1; k <= terms; ++k) squares -= 1 / static_cast<double>(k * k);
  const auto n = static_cast<double>(terms);
  return n + n * n * squares;
}

// Passes over all convolutions that a training step needs: the values, a Jacobian product for each
// term, the last of which is the surrogate's; for the values and the surrogate's tangents the
// gradients of inputs and of weights.
double needed_passes(const LogDetOptions& options) { return 1 + mean_terms(options) + 2 * 2; }

// Multiplications of one pass over an image.
struct Products {
  double inside = 0;      // those with the zeros outside the image left out
  double with_zeros = 0;  // all of them, as libraries count
};

Products products_of(const ParameterLayout& layout) {
  Products products;
  for (const ParameterInfo& info : layout.entries()) {
    if (!info.convolution) continue;
    const kernels::ConvolutionShape& shape = *info.convolution;
    products.inside += static_cast<double>(shape.products());
    products.with_zeros += static_cast<double>(shape.pixels() * shape.columns() * shape.outputs);
  }
  return products;
}

}  // namespace

void print_image_step() {
  constexpr std::size_t kImages = 256;
  const ImageShape shape{28, 28, 1};
  const FlowOptions options = default_image_options();
  const TrainConfig config = default_image_train_config(kImages, shape);
  const PixelHistogram pixels{{std::vector<double>(256, 1.0 / 256)}};
  std::vector<float> rows;  // behind the layer of marginals: normal numbers
  Rng rng(1, RngPurpose::kTest);
  for (std::size_t i = 0; i < kImages * shape.size(); ++i) {
    rows.push_back(static_cast<float>(rng.normal()));
  }
  TrainingData data;
  data.rows = std::make_shared<const std::vector<float>>(std::move(rows));
  Trainer trainer(make_image_flow(options, {shape, pixels}), config, std::move(data));
  trainer.start();
  const ParameterLayout& layout = trainer.flow().layout();
  const Products products = products_of(layout);
  const auto batch = static_cast<double>(config.batch);
  const double flops = 2 * needed_passes(config.log_det) * products.inside * batch;
  std::printf(
      "Training step, images of 28x28: %zu + %zu blocks, %zu parameters, batch %zu, roulette, %.0f "
      "MFLOP in products an image\n",
      options.blocks, options.blocks, layout.count(), config.batch, flops / batch * 1e-6);
  const StepTime one = print_step_time(trainer, flops);
  std::printf("%.2f ms an image; %.0f %% with the zeros outside the image counted\n\n",
              one.seconds * 1e3 / batch, 100 * one.share * products.with_zeros / products.inside);
}

}  // namespace iflow
