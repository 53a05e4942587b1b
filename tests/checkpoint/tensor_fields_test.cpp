#include "checkpoint/tensor_fields.h"

#include <doctest/doctest.h>

namespace iflow {
namespace {

Tensors sample() {
  const std::vector<double> scale = {0.5, 2.0};
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
  return {{"flow.0.scale", Tensor::from<double>(scale, {2})},
          {"flow.1.weight", Tensor::from<float>(weight, {2, 3})}};
}

TEST_CASE("TensorFields gives the values asked for") {
  const Tensors tensors = sample();
  TensorFields fields(tensors, "m.iflow: weights");
  CHECK(fields.get<double>("flow.0.scale", {2}) == std::vector<double>{0.5, 2.0});
  CHECK(fields.get<float>("flow.1.weight", {2, 3}) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(fields.has("flow.0.scale"));
  CHECK_FALSE(fields.has("flow.0.bias"));
  fields.finish();
}

TEST_CASE("TensorFields throws for a tensor missing, different or left over") {
  const Tensors tensors = sample();
  TensorFields fields(tensors, "m.iflow: weights");
  CHECK_THROWS_WITH_AS(fields.get<double>("flow.0.bias", {2}),
                       "m.iflow: weights: flow.0.bias: missing", CheckpointError);
  CHECK_THROWS_WITH_AS(fields.get<float>("flow.1.weight", {3, 2}),
                       "m.iflow: weights: flow.1.weight: expected F32 [3, 2], got F32 [2, 3]",
                       CheckpointError);
  CHECK_THROWS_WITH_AS(fields.get<double>("flow.1.weight", {}),
                       "m.iflow: weights: flow.1.weight: expected F64 [], got F32 [2, 3]",
                       CheckpointError);
  fields.get<double>("flow.0.scale", {2});
  CHECK_THROWS_WITH_AS(fields.finish(),
                       "m.iflow: weights: flow.1.weight: the model has no such tensor",
                       CheckpointError);
}

}  // namespace
}  // namespace iflow
