#include "compare_sizes.h"

#include "base/error.h"
#include "number_format.h"

namespace iflow {
namespace {

// `units` in all, spread over the layers; the first ones get what is left over.
std::vector<std::size_t> spread(std::size_t units, std::size_t layers) {
  std::vector<std::size_t> widths(layers, units / layers);
  for (std::size_t i = 0; i < units % layers; ++i) ++widths[i];
  return widths;
}

std::size_t parameters_of(FlowOptions options, std::size_t units, std::size_t columns) {
  options.hidden = spread(units, options.hidden.size());
  StandardiseConfig standardise;
  standardise.mean.assign(columns, 0);
  standardise.deviation.assign(columns, 1);
  return build_flow<float>(make_flow(options, standardise)).layout().count();
}

}  // namespace

std::vector<std::size_t> widths_for(std::size_t parameters, const std::string& model,
                                    const FlowOptions& options, std::size_t columns) {
  const auto count = [&](std::size_t units) { return parameters_of(options, units, columns); };
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
