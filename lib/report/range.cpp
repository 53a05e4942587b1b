#include "report/range.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

#include "base/error.h"

namespace iflow {
namespace {

constexpr double kLowQuantile = 0.005;
constexpr double kShortestSpan = 1e-290;  // what is shorter is rounding, whatever the values
constexpr double kShortestRelativeSpan = 1e-12;

// The `share` quantile of `values`, which aren't empty; interpolated, and reorders them.
double quantile(std::vector<double>& values, double share) {
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), below, values.end());
  if (below + 1 == values.end()) return *below;
  const double above = *std::min_element(below + 1, values.end());
  return std::lerp(*below, above, position - std::floor(position));
}

}  // namespace

Range widened(Range range, double margin) {
  const double centre = std::midpoint(range.min, range.max);
  if (range.span() <= std::max(kShortestSpan, kShortestRelativeSpan * std::abs(centre))) {
    const double half = std::max(0.5, std::abs(centre) / 2000);
    return {centre - half, centre + half};
  }
  const double added = margin * range.span();
  return {range.min - added, range.max + added};
}

Range robust_range(std::vector<double> values, double margin) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw NumericError("no range to show: value " + std::to_string(i + 1) + " is not finite");
    }
  }
  if (values.empty()) return widened({0, 0}, margin);
  return widened({quantile(values, kLowQuantile), quantile(values, 1 - kLowQuantile)}, margin);
}

}  // namespace iflow
