#include "model_summary.h"

#include <string_view>
#include <variant>

namespace iflow {

namespace {

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
  for (const LayerConfig& layer : flow.layers) {
    all.push_back(std::visit([](const auto& config) { return config.describe(); }, layer));
  }
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

}  // namespace iflow
