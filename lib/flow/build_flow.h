// From a description of a flow to the flow itself: the only place that knows every kind of layer.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "flow/actnorm.h"
#include "flow/column_maps.h"
#include "flow/condition.h"
#include "flow/coupling.h"
#include "flow/flow.h"
#include "flow/interval.h"
#include "flow/marginal.h"
#include "flow/mixture_map.h"
#include "flow/permutation.h"
#include "flow/plu.h"
#include "flow/residual_block.h"
#include "flow/standardise.h"
#include "flow/whiten.h"

namespace iflow {

// A flow has at most so many dimensions.
inline constexpr std::size_t kMaxDimension = std::size_t{1} << 16;

// Add a kind of layer here.
using LayerConfig =
    std::variant<IntervalConfig, StandardiseConfig, WhitenConfig, ActNormConfig,
                 ResidualBlockConfig, PluConfig, CouplingConfig, MarginalConfig, SqueezeConfig,
                 FactorOutConfig, ConvolutionalBlockConfig, ColumnMapsConfig, MixtureConfig>;

// "standardise", "affine coupling": as files write it.
std::string kind_of(const LayerConfig& config);

// A configuration of every kind and variety, its numbers those by default.
std::vector<LayerConfig> every_kind();

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
