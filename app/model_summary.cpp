#include "model_summary.h"

#include <string_view>
#include <variant>

#include "report/number_format.h"

namespace iflow {

namespace {

// "2-32-32-2": the widths from a branch's input to its output; "(2+1)-32-32-2" with a condition.
std::string widths_of(const DenseBranchConfig& branch) {
  const std::string own = std::to_string(branch.dimension);
  std::vector<std::string> widths = {
      branch.condition == 0 ? own : "(" + own + "+" + std::to_string(branch.condition) + ")"};
  for (const std::size_t width : branch.hidden) widths.push_back(std::to_string(width));
  widths.push_back(std::to_string(branch.dimension));
  return joined(widths, "-");
}

std::vector<std::string> texts(const std::vector<std::size_t>& numbers) {
  std::vector<std::string> result;
  for (const std::size_t number : numbers) result.push_back(std::to_string(number));
  return result;
}

// " at 14 x 14"
std::string at(const ImageShape& image) {
  return " at " + std::to_string(image.height) + " x " + std::to_string(image.width);
}

struct Description {
  std::string operator()(const BoundsConfig& config) const {
    return "bounds of " + std::to_string(config.columns.size()) +
           (config.columns.size() == 1 ? " column" : " columns");
  }
  std::string operator()(const StandardiseConfig&) const { return "standardise"; }
  std::string operator()(const WhitenConfig&) const { return "whiten"; }
  std::string operator()(const ActNormConfig& config) const {
    return config.channels > 0 ? "actnorm of " + std::to_string(config.channels) + " channels"
                               : "actnorm";
  }
  std::string operator()(const ResidualBlockConfig& config) const {
    const DenseBranchConfig& branch = config.branch;
    return "residual block of " + widths_of(branch) + ", " + branch.activation +
           (branch.activation_first ? " first" : "") + ", c " + significant(branch.coefficient, 6);
  }
  std::string operator()(const PluConfig& config) const {
    return config.channels > 0 ? "plu matrix of " + std::to_string(config.channels) + " channels"
                               : "plu matrix";
  }
  std::string operator()(const CouplingConfig& config) const {
    std::string text = coupling_names().at(config.kind) + " coupling of ";
    if (config.image.size() > 0) {
      text += "convolutions " + joined(texts(config.sides), "-") + at(config.image) + ", " +
              (config.mask == ChannelMask::kCheckerboard ? "checkerboard" : "halves") +
              ", filters ";
    }
    text += joined(texts(config.hidden), "-") + ", " + config.activation;
    if (config.kind == CouplingKind::kSpline) text += ", " + std::to_string(config.bins) + " bins";
    return text;
  }
  std::string operator()(const MarginalConfig& config) const {
    return "marginal gaussianisation of " + std::to_string(config.masses.front().size()) + " bins";
  }
  std::string operator()(const SqueezeConfig&) const { return "squeeze"; }
  std::string operator()(const FactorOutConfig&) const { return "factor out"; }
  std::string operator()(const ConvolutionalBlockConfig& config) const {
    const ConvolutionalBranchConfig& branch = config.branch;
    const std::string channels = std::to_string(branch.image.channels);
    return "residual block of convolutions " + joined(texts(branch.sides), "-") + at(branch.image) +
           ", channels " + channels + "-" + joined(texts(branch.filters), "-") + "-" + channels +
           ", " + branch.activation + (branch.activation_first ? " first" : "") + ", c " +
           significant(branch.coefficient, 6);
  }
};

// `count` times the layers of one period.
std::string several(const std::vector<std::string>& period, std::size_t count) {
  constexpr std::string_view kBlock = "residual block";
  const std::string number = std::to_string(count);
  if (period.size() > 1) return number + " x (" + joined(period, ", ") + ")";
  const std::string& description = period.front();
  if (description.starts_with(kBlock)) {
    const std::string rest = description.substr(kBlock.size());
    return number + " " + std::string(kBlock) + (count == 1 ? "" : "s") + rest;
  }
  return count == 1 ? description : number + " x " + description;
}

// How often the `period` descriptions from `first` on come one after the other.
std::size_t repeats(const std::vector<std::string>& all, std::size_t first, std::size_t period) {
  std::size_t end = first + period;
  while (end < all.size() && all[end] == all[end - period]) ++end;
  return (end - first) / period;
}

}  // namespace

std::vector<std::string> describe_layers(const FlowConfig& flow) {
  constexpr std::size_t kLongestPeriod = 3;
  std::vector<std::string> all, descriptions;
  for (const LayerConfig& layer : flow.layers) all.push_back(std::visit(Description{}, layer));
  for (std::size_t first = 0; first < all.size();) {
    // the period that says the most at once; one layer unless others come again
    std::size_t best = 1, count = repeats(all, first, 1);
    for (std::size_t period = 2; period <= kLongestPeriod && first + period <= all.size();
         ++period) {
      const std::size_t times = repeats(all, first, period);
      if (times > 1 && times * period > best * count) best = period, count = times;
    }
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    descriptions.push_back(several({begin, begin + static_cast<std::ptrdiff_t>(best)}, count));
    first += best * count;
  }
  return descriptions;
}

std::string joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string result;
  for (const std::string& text : texts) result += (&text == texts.data() ? "" : between) + text;
  return result;
}

}  // namespace iflow
