#include "recipes/image_flows.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <variant>

namespace iflow {
namespace {

ImageStatistics statistics(const ImageShape& shape) {
  ImageStatistics images;
  images.shape = shape;
  images.pixels.masses.assign(shape.channels, std::vector<double>(8, 0.125));
  return images;
}

// The shapes that the convolutional blocks or couplings of a flow work on, one after the other.
std::vector<ImageShape> block_shapes(const FlowConfig& flow) {
  std::vector<ImageShape> shapes;
  for (const LayerConfig& layer : flow.layers) {
    const auto* block = std::get_if<ConvolutionalBlockConfig>(&layer);
    if (block) shapes.push_back(block->branch.image);
    const auto* coupling = std::get_if<CouplingConfig>(&layer);
    if (coupling) shapes.push_back(coupling->image);
  }
  return shapes;
}

// Of a flow with one block or coupling on every size of images of this shape.
std::vector<ImageShape> shapes_of(const ImageShape& shape, ModelKind model = ModelKind::kIResNet) {
  FlowOptions options = default_image_options(model);
  options.blocks = 1;
  const FlowConfig flow = make_image_flow(options, statistics(shape));
  CHECK(build_flow<float>(flow).dimension() == shape.size());
  return block_shapes(flow);
}

TEST_CASE("make_image_flow: blocks on images squeezed once and twice, as far as sides are even") {
  CHECK(shapes_of({28, 28, 1}) == std::vector<ImageShape>{{14, 14, 4}, {7, 7, 16}});
  CHECK(shapes_of({32, 32, 3}) == std::vector<ImageShape>{{16, 16, 12}, {8, 8, 48}});
  CHECK(shapes_of({6, 10, 1}) == std::vector<ImageShape>{{3, 5, 4}});
  CHECK(shapes_of({7, 7, 3}) == std::vector<ImageShape>{{7, 7, 3}});
  CHECK(shapes_of({1, 1, 1}) == std::vector<ImageShape>{{1, 1, 1}});
}

TEST_CASE("make_image_flow: half of the channels leave couplings before the second squeeze") {
  for (const ModelKind model :
       {ModelKind::kNice, ModelKind::kRealNvp, ModelKind::kGlow, ModelKind::kSpline}) {
    CHECK(shapes_of({28, 28, 1}, model) == std::vector<ImageShape>{{14, 14, 4}, {7, 7, 8}});
    CHECK(shapes_of({6, 10, 3}, model) == std::vector<ImageShape>{{3, 5, 12}});
    CHECK(shapes_of({7, 7, 3}, model) == std::vector<ImageShape>{{7, 7, 3}});
    CHECK(shapes_of({7, 7, 1}, model) == std::vector<ImageShape>{{0, 0, 0}});  // as a table
  }
}

TEST_CASE("make_image_flow: what has nothing to learn comes first, up to the first squeeze") {
  const FlowConfig flow = make_image_flow(default_image_options(), statistics({28, 28, 1}));
  CHECK(build_flow<float>(flow).prefix_layers() == 2);
}

TEST_CASE("make_image_flow: the logit takes the place of the marginals") {
  FlowOptions options = default_image_options();
  options.marginal = PixelMarginal::kLogit;
  options.alpha = 0.01;
  const FlowConfig flow = make_image_flow(options, statistics({8, 8, 1}));
  const auto* bounds = std::get_if<IntervalConfig>(&flow.layers.front());
  REQUIRE(bounds != nullptr);
  CHECK(bounds->alpha == 0.01);
  CHECK(bounds->columns.size() == 64);
  CHECK(*bounds->columns.front().upper <= 8);
}

TEST_CASE("defaults of images: what suits a table of as many columns is not taken over") {
  const TrainConfig blocks = default_image_train_config(59500, {28, 28, 1});
  CHECK(blocks.log_det.method == LogDetMethod::kRoulette);
  CHECK(blocks.log_det.tail == RouletteTail::kPower);
  CHECK(blocks.l1 == 0);
  CHECK(blocks.clip == 0);
  CHECK(default_image_train_config(1000, {1, 2, 1}).jacobian_penalty == 0);
  CHECK(default_image_train_config(59500, {28, 28, 1}, ModelKind::kGlow).clip > 1);
}

TEST_CASE("set_image_plan: a plan of any length has validations and patience") {
  for (const std::uint64_t steps : {1, 5, 1000, 100000}) {
    TrainConfig config;
    set_image_plan(config, steps);
    CHECK(config.steps == steps);
    CHECK(config.validate_every >= 1);
    CHECK(config.validate_every <= steps);
    CHECK(config.patience >= 1);
    CHECK(config.validate_every >= std::min<std::uint64_t>(steps, 250));
    CHECK(steps / config.validate_every <= 20);
  }
}

}  // namespace
}  // namespace iflow
