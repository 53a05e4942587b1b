// The inverses of coupling layers and of invertible matrices once more, in long double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "flow/coupling.h"
#include "flow/spline_map.h"
#include "nn/branch_twin.h"

namespace iflow {

// The x that the spline of h takes to y: bisection of its piece.
inline Wide wide_spline_inverse(std::size_t bins, Wide range, const Wide* h, Wide y) {
  if (!(std::fabs(y) < range)) return y;
  const auto sizes = [&](const Wide* raw) {
    std::vector<Wide> result;
    Wide sum = 0;
    for (std::size_t k = 0; k < bins; ++k) sum += std::exp(raw[k]);
    const Wide part = kLeastSplinePart;
    for (std::size_t k = 0; k < bins; ++k) {
      result.push_back(2 * range *
                       (part / static_cast<Wide>(bins) + (1 - part) * std::exp(raw[k]) / sum));
    }
    return result;
  };
  const auto slope = [&](std::size_t k) -> Wide {
    if (k == 0 || k == bins) return 1;
    const Wide least = kLeastSplineSlope, target = 1 - least;
    const Wide shift = target + std::log(-std::expm1(-target));
    return least + std::log1p(std::exp(h[2 * bins + k - 1] + shift));
  };
  const std::vector<Wide> widths = sizes(h), heights = sizes(h + bins);
  Wide x_k = -range, y_k = -range;
  std::size_t k = 0;
  while (k + 1 < bins && y >= y_k + heights[k]) {
    x_k += widths[k];
    y_k += heights[k];
    ++k;
  }
  const Wide s = heights[k] / widths[k], from = slope(k), to = slope(k + 1);
  Wide low = 0, high = 1;
  for (int i = 0; i < 80; ++i) {
    const Wide xi = (low + high) / 2, p = xi * (1 - xi);
    const Wide at = y_k + heights[k] * (s * xi * xi + from * p) / (s + (from + to - 2 * s) * p);
    (at < y ? low : high) = xi;
  }
  return x_k + (low + high) / 2 * widths[k];
}

// A coupling of rows of a table.
class CouplingTwin {
 public:
  CouplingTwin(const CouplingConfig& config, std::size_t dimension, const ParameterLayout& layout,
               const std::vector<double>& values, const std::string& name)
      : config_(config),
        half_(dimension / 2),
        conditioner_(conditioner_config(config, dimension), layout, values, name + ".conditioner") {
  }

  std::vector<Wide> inverse(std::vector<Wide> y) const {
    const auto half = y.begin() + static_cast<std::ptrdiff_t>(half_);
    const bool second = config_.from_second;
    const std::vector<Wide> passed(second ? half : y.begin(), second ? y.end() : half);
    const std::vector<Wide> h = conditioner_(passed).value;
    const std::size_t first = second ? 0 : half_, count = second ? half_ : y.size() - half_;
    for (std::size_t i = 0; i < count; ++i) {
      y[first + i] = invert_column(y[first + i], h.data() + h.size() / count * i);
    }
    return y;
  }

 private:
  static DenseBranchConfig conditioner_config(const CouplingConfig& config, std::size_t dimension) {
    DenseBranchConfig branch;
    branch.dimension = config.from_second ? dimension - dimension / 2 : dimension / 2;
    branch.hidden = config.hidden;
    branch.activation = config.activation;
    return branch;
  }

  Wide invert_column(Wide y, const Wide* h) const {
    if (config_.kind == CouplingKind::kAdditive) return y - h[0];
    if (config_.kind == CouplingKind::kSpline) {
      return wide_spline_inverse(config_.bins, config_.range, h, y);
    }
    const Wide bound = config_.log_scale_bound;
    return (y - h[1]) * std::exp(-bound * std::tanh(h[0] / bound));
  }

  CouplingConfig config_;
  std::size_t half_;
  BranchTwin conditioner_;
};

// The x with P L U x = y: factors (d, d) as Plu has them.
inline std::vector<Wide> wide_plu_inverse(const std::vector<Wide>& factors, std::vector<Wide> y) {
  const std::size_t d = y.size();
  std::reverse(y.begin(), y.end());
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < i; ++j) y[i] -= factors[i * d + j] * y[j];
  }
  for (std::size_t i = d; i-- > 0;) {
    for (std::size_t j = i + 1; j < d; ++j) y[i] -= factors[i * d + j] * y[j];
    y[i] /= std::exp(factors[i * (d + 1)]);
  }
  return y;
}

}  // namespace iflow
