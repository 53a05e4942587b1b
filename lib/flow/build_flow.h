// From a description of a flow to the flow itself: the only place that knows every kind of layer.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "flow/bounds.h"
#include "flow/condition.h"
#include "flow/coupling.h"
#include "flow/flow.h"
#include "flow/marginal.h"
#include "flow/permutation.h"
#include "flow/standardise.h"
#include "flow/whiten.h"
#include "nn/convolutional_branch.h"
#include "nn/dense_branch.h"

namespace iflow {

// A flow has at most so many dimensions.
inline constexpr std::size_t kMaxDimension = std::size_t{1} << 16;

struct ActNormConfig {
  std::size_t channels = 0;  // 0: every column for itself
};
struct PluConfig {
  std::size_t channels = 0;  // 0: every column is one
};
struct ResidualBlockConfig {
  DenseBranchConfig branch;
};
struct ConvolutionalBlockConfig {
  ConvolutionalBranchConfig branch;
};

// Add a kind of layer here, in build_flow.cpp and in checkpoint/flow_json.cpp.
using LayerConfig = std::variant<BoundsConfig, StandardiseConfig, WhitenConfig, ActNormConfig,
                                 ResidualBlockConfig, PluConfig, CouplingConfig, MarginalConfig,
                                 SqueezeConfig, FactorOutConfig, ConvolutionalBlockConfig>;

struct FlowConfig {
  std::size_t dimension = 0;
  // From the data to z. Layers behind a factor-out work on the elements that it kept.
  std::vector<LayerConfig> layers;
  ConditionConfig condition = {};  // empty: the density is unconditional

  // Numbers in a row of data: those modelled, then the condition.
  std::size_t row_width() const { return dimension + condition.size(); }
};

// Layer i's parameters are named "flow.i.". Throws UsageError where the description makes no sense.
template <class T>
Flow<T> build_flow(const FlowConfig& config);

}  // namespace iflow
