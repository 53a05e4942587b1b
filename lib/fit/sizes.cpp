#include "fit/sizes.h"

#include "base/error.h"
#include "report/number_format.h"

namespace iflow {
namespace {

// `units` in all, spread over the layers; the first ones get what is left over.
std::vector<std::size_t> spread(std::size_t units, std::size_t layers) {
  std::vector<std::size_t> widths(layers, units / layers);
  for (std::size_t i = 0; i < units % layers; ++i) ++widths[i];
  return widths;
}

}  // namespace

std::vector<std::size_t> widths_for(std::size_t parameters, const std::string& model,
                                    const FlowOptions& options,
                                    const std::function<FlowConfig(const FlowOptions&)>& flow_of) {
  const auto count = [&](std::size_t units) {
    FlowOptions sized = options;
    sized.hidden = spread(units, options.hidden.size());
    return build_flow<float>(flow_of(sized)).layout().count();
  };
  std::size_t low = options.hidden.size();
  if (count(low) > parameters) {
    throw UsageError("--parameters: " + model + " of " + std::to_string(options.blocks) +
                     " blocks has at least " + with_commas(count(low)));
  }
  std::size_t high = 2 * low;
  while (count(high) <= parameters) low = high, high *= 2;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (count(middle) <= parameters ? low : high) = middle;
  }
  const bool high_is_closer = count(high) - parameters < parameters - count(low);
  return spread(high_is_closer ? high : low, options.hidden.size());
}

}  // namespace iflow
