#include "recipes/stack_flow.h"

namespace iflow {

FlowConfig stack_flow(const Stack& stack, const std::optional<IntervalConfig>& bounds) {
  FlowConfig flow;
  flow.dimension = stack.mixture.dimension;
  if (bounds) flow.layers.emplace_back(*bounds);
  flow.layers.emplace_back(StandardiseConfig{stack.moments.mean, stack.moments.deviation});
  if (!stack.maps.empty()) flow.layers.emplace_back(ColumnMapsConfig{stack.maps});
  flow.layers.emplace_back(WhitenConfig{stack.factor});
  flow.layers.emplace_back(MixtureConfig{stack.mixture});
  return flow;
}

}  // namespace iflow
