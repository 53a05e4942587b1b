#include "flow/build_flow.h"

#include <memory>
#include <string>

#include "base/error.h"
#include "flow/actnorm.h"
#include "flow/on_tail.h"
#include "flow/plu.h"
#include "flow/residual_block.h"

namespace iflow {

namespace {

// Makes the layer of a description; its parameters join `layout` under `name`.
template <class T>
class Maker {
 public:
  Maker(std::size_t dimension, std::size_t condition, ParameterLayout& layout, std::string name)
      : dimension_(dimension), condition_(condition), layout_(layout), name_(std::move(name)) {}

  std::unique_ptr<Layer<T>> operator()(const BoundsConfig& config) const {
    return std::make_unique<Bounds<T>>(config, dimension_);
  }
  std::unique_ptr<Layer<T>> operator()(const StandardiseConfig& config) const {
    if (config.mean.size() != dimension_ || config.deviation.size() != dimension_) {
      throw UsageError(name_ + ": standardise needs a mean and a deviation for each column");
    }
    for (const double deviation : config.deviation) {
      if (!(deviation > 0)) throw UsageError(name_ + ": a deviation must be positive");
    }
    return std::make_unique<Standardise<T>>(config);
  }
  std::unique_ptr<Layer<T>> operator()(const WhitenConfig& config) const {
    return std::make_unique<Whiten<T>>(config, dimension_);
  }
  std::unique_ptr<Layer<T>> operator()(const ActNormConfig& config) const {
    const std::size_t channels = config.channels > 0 ? config.channels : dimension_;
    return std::make_unique<ActNorm<T>>(dimension_, channels, layout_, name_);
  }
  std::unique_ptr<Layer<T>> operator()(const ResidualBlockConfig& config) const {
    if (config.branch.dimension != dimension_) {
      throw UsageError(name_ + ": the branch has another dimension than the flow");
    }
    if (config.branch.condition != condition_) {
      throw UsageError(name_ + ": the branch has another condition than the flow");
    }
    return std::make_unique<ResidualBlock<T>>(config.branch, layout_, name_);
  }
  std::unique_ptr<Layer<T>> operator()(const PluConfig& config) const {
    const std::size_t channels = config.channels > 0 ? config.channels : dimension_;
    return std::make_unique<Plu<T>>(dimension_, channels, layout_, name_);
  }
  std::unique_ptr<Layer<T>> operator()(const CouplingConfig& config) const {
    if (config.image.size() > 0) {
      check_image(config.image);
      if (condition_ > 0) throw UsageError(name_ + ": couplings of images take no condition");
    }
    return std::make_unique<Coupling<T>>(config, dimension_, condition_, layout_, name_);
  }
  std::unique_ptr<Layer<T>> operator()(const MarginalConfig& config) const {
    return std::make_unique<Marginal<T>>(config, dimension_);
  }
  std::unique_ptr<Layer<T>> operator()(const SqueezeConfig& config) const {
    check_image(config.image);
    return std::make_unique<Permutation<T>>(config);
  }
  std::unique_ptr<Layer<T>> operator()(const FactorOutConfig& config) const {
    check_image(config.image);
    return std::make_unique<Permutation<T>>(config);
  }
  std::unique_ptr<Layer<T>> operator()(const ConvolutionalBlockConfig& config) const {
    check_image(config.branch.image);
    if (condition_ > 0) throw UsageError(name_ + ": convolutional blocks take no condition");
    return std::make_unique<ResidualBlock<T>>(config.branch, layout_, name_);
  }

 private:
  void check_image(const ImageShape& image) const {
    if (image.height == 0 || image.width == 0 || image.channels == 0 ||
        image.size() != dimension_) {
      throw UsageError(name_ + ": the image has another number of elements than reach the layer");
    }
  }

  std::size_t dimension_, condition_;
  ParameterLayout& layout_;
  std::string name_;
};

constexpr const char* kKinds[] = {"bounds",   "standardise", "whiten",       "actnorm",
                                  "residual", "plu",         "coupling",     "marginal",
                                  "squeeze",  "factor out",  "convolutional"};
static_assert(std::size(kKinds) == std::variant_size_v<LayerConfig>);

void check_condition(const ConditionConfig& condition) {
  if (condition.deviation.size() != condition.mean.size()) {
    throw UsageError("condition: it needs a mean and a deviation for each column");
  }
  for (const double deviation : condition.deviation) {
    if (!(deviation > 0)) throw UsageError("condition: a deviation must be positive");
  }
}

}  // namespace

template <class T>
Flow<T> build_flow(const FlowConfig& config) {
  if (config.dimension == 0 || config.layers.empty()) throw UsageError("flow: it has no layers");
  check_condition(config.condition);
  ParameterLayout layout;
  std::vector<std::unique_ptr<Layer<T>>> layers;
  std::vector<std::string> kinds;
  std::vector<std::size_t> offsets = {0};
  std::size_t prefix_layers = 0, active = config.dimension;
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const Maker<T> maker(active, config.condition.size(), layout, "flow." + std::to_string(i));
    std::unique_ptr<Layer<T>> layer = std::visit(maker, config.layers[i]);
    if (active < config.dimension) {
      layer = std::make_unique<OnTail<T>>(std::move(layer), active, config.dimension);
    }
    layers.push_back(std::move(layer));
    if (const auto* factor_out = std::get_if<FactorOutConfig>(&config.layers[i])) {
      active = kept_by_factor_out(factor_out->image).size();
    }
    kinds.emplace_back(kKinds[config.layers[i].index()]);
    offsets.push_back(layout.size());
    if (layout.entries().empty()) prefix_layers = i + 1;
  }
  if (layout.entries().empty()) throw UsageError("flow: no layer has anything to learn");
  return Flow<T>(config.dimension, std::move(layout), std::move(layers), std::move(kinds),
                 std::move(offsets), prefix_layers);
}

template Flow<float> build_flow(const FlowConfig&);
template Flow<double> build_flow(const FlowConfig&);

}  // namespace iflow
