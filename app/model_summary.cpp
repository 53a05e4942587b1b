#include "model_summary.h"

#include <variant>

#include "number_format.h"

namespace iflow {

namespace {

// "2-32-32-2": the widths from a branch's input to its output.
std::string widths_of(const DenseBranchConfig& branch) {
  std::vector<std::string> widths = {std::to_string(branch.dimension)};
  for (const std::size_t width : branch.hidden) widths.push_back(std::to_string(width));
  widths.push_back(std::to_string(branch.dimension));
  return joined(widths, "-");
}

struct Description {
  std::string operator()(const BoundsConfig& config) const {
    return "bounds of " + std::to_string(config.columns.size()) +
           (config.columns.size() == 1 ? " column" : " columns");
  }
  std::string operator()(const StandardiseConfig&) const { return "standardise"; }
  std::string operator()(const WhitenConfig&) const { return "whiten"; }
  std::string operator()(const ActNormConfig&) const { return "actnorm"; }
  std::string operator()(const ResidualBlockConfig& config) const {
    const DenseBranchConfig& branch = config.branch;
    return "of " + widths_of(branch) + ", " + branch.activation +
           (branch.activation_first ? " first" : "") + ", c " + significant(branch.coefficient, 6);
  }
};

std::string several(const LayerConfig& layer, std::size_t count) {
  const std::string description = std::visit(Description{}, layer);
  const std::string number = std::to_string(count);
  if (!std::holds_alternative<ResidualBlockConfig>(layer)) {
    return count == 1 ? description : number + " x " + description;
  }
  return number + (count == 1 ? " residual block " : " residual blocks ") + description;
}

}  // namespace

std::vector<std::string> describe_layers(const FlowConfig& flow) {
  std::vector<std::string> descriptions;
  for (std::size_t first = 0, end = 0; first < flow.layers.size(); first = end) {
    const std::string description = std::visit(Description{}, flow.layers[first]);
    while (end < flow.layers.size() && std::visit(Description{}, flow.layers[end]) == description) {
      ++end;
    }
    descriptions.push_back(several(flow.layers[first], end - first));
  }
  return descriptions;
}

std::string joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string result;
  for (const std::string& text : texts) result += (&text == texts.data() ? "" : between) + text;
  return result;
}

}  // namespace iflow
