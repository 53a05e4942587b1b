#include "flow/build_flow.h"

#include <memory>
#include <string>

#include "base/error.h"
#include "flow/on_tail.h"

namespace iflow {

std::string kind_of(const LayerConfig& config) {
  return std::visit(
      [](const auto& c) {
        std::string kind = c.kKind;
        if constexpr (requires { c.variety(); }) kind = c.variety() + " " + kind;
        return kind;
      },
      config);
}

namespace {

template <class Config>
void append_varieties(std::vector<LayerConfig>& all) {
  if constexpr (requires { Config::varieties(); }) {
    for (const Config& config : Config::varieties()) all.emplace_back(config);
  } else {
    all.emplace_back(Config{});
  }
}

template <class... Configs>
std::vector<LayerConfig> every_kind(const std::variant<Configs...>* /*type*/) {
  std::vector<LayerConfig> all;
  (append_varieties<Configs>(all), ...);
  return all;
}

}  // namespace

std::vector<LayerConfig> every_kind() {
  return every_kind(static_cast<const LayerConfig*>(nullptr));
}

namespace {

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
    const LayerSite site{active, config.condition.size(), layout, "flow." + std::to_string(i)};
    std::unique_ptr<Layer<T>> layer =
        std::visit([&](const auto& layer_config) { return layer_config.template make<T>(site); },
                   config.layers[i]);
    if (active < config.dimension) {
      layer = std::make_unique<OnTail<T>>(std::move(layer), active, config.dimension);
    }
    layers.push_back(std::move(layer));
    if (const auto* factor_out = std::get_if<FactorOutConfig>(&config.layers[i])) {
      active = kept_by_factor_out(factor_out->image).size();
    }
    kinds.push_back(kind_of(config.layers[i]));
    offsets.push_back(layout.size());
    if (layout.entries().empty()) prefix_layers = i + 1;
  }
  return Flow<T>(config.dimension, std::move(layout), std::move(layers), std::move(kinds),
                 std::move(offsets), prefix_layers);
}

template Flow<float> build_flow(const FlowConfig&);
template Flow<double> build_flow(const FlowConfig&);

}  // namespace iflow
