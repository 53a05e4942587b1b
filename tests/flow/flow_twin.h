// A flow of affine layers, residual blocks and couplings once more, in long double, and its inverse
// by Newton's iteration: what is exact as far as double can tell.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flow/coupling_twin.h"
#include "flow/flow_fixture.h"
#include "nn/branch_twin.h"

namespace iflow {

// x with a x = b, a (n, n) row-major: Gaussian elimination with row pivots.
inline std::vector<Wide> wide_solve(std::vector<Wide> a, std::vector<Wide> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    }
    for (std::size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[pivot * n + j]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Wide factor = a[i * n + k] / a[k * n + k];
      for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) b[i] -= a[i * n + j] * b[j];
    b[i] /= a[i * (n + 1)];
  }
  return b;
}

// The x with x + g(x) = y: Newton, and a fixed-point step wherever that does not shrink the
// residual. Ends where rounding to long double is all that is left.
inline std::vector<Wide> wide_inverse(const BranchTwin& g, const std::vector<Wide>& y) {
  const std::size_t d = y.size();
  std::vector<Wide> x = y, best = y, best_residual(d, 0);
  Wide least = std::numeric_limits<Wide>::infinity();
  bool fixed_point = true;
  for (int step = 0; step < 10000; ++step) {
    BranchTwin::Result at = g(x);
    std::vector<Wide> r(d);
    for (std::size_t i = 0; i < d; ++i) r[i] = y[i] - x[i] - at.value[i];
    const bool good = wide_norm(r) < least * (fixed_point ? 1.0L : 0.9L);
    if (!good && fixed_point) return best;
    fixed_point = !good;
    std::vector<Wide> move;
    if (good) {
      best = x;
      best_residual = r;
      least = wide_norm(r);
      for (std::size_t i = 0; i < d; ++i) at.jacobian[i * (d + 1)] += 1;
      move = wide_solve(at.jacobian, r);
    } else {
      move = best_residual;
    }
    for (std::size_t i = 0; i < d; ++i) x[i] = best[i] + move[i];
  }
  return best;
}

class FlowTwin {
 public:
  explicit FlowTwin(const Model& model)
      : config_(model.config()), values_(model.values().begin(), model.values().end()) {
    const ParameterLayout& layout = model.flow().layout();
    for (std::size_t i = 0; i < config_.layers.size(); ++i) {
      const std::string name = "flow." + std::to_string(i);
      log_scales_.push_back(wide_parameter(layout, values_, name + ".log_scale"));
      shifts_.push_back(wide_parameter(layout, values_, name + ".shift"));
      if (const auto* block = std::get_if<ResidualBlockConfig>(&config_.layers[i])) {
        branches_.emplace_back(block->branch, layout, values_, name + ".branch");
      } else if (const auto* coupling = std::get_if<CouplingConfig>(&config_.layers[i])) {
        couplings_.emplace_back(*coupling, config_.dimension, layout, values_, name);
      }
      factors_.push_back(wide_parameter(layout, values_, name + ".factors"));
    }
  }

  // f^-1(z).
  std::vector<Wide> inverse(std::vector<Wide> z) const {
    std::size_t branch = branches_.size(), coupling = couplings_.size();
    for (std::size_t i = config_.layers.size(); i-- > 0;) {
      const LayerConfig& layer = config_.layers[i];
      if (std::holds_alternative<ResidualBlockConfig>(layer)) {
        z = wide_inverse(branches_[--branch], z);
      } else if (std::holds_alternative<CouplingConfig>(layer)) {
        z = couplings_[--coupling].inverse(z);
      } else if (std::holds_alternative<PluConfig>(layer)) {
        z = wide_plu_inverse(factors_[i], z);
      } else if (std::holds_alternative<ActNormConfig>(layer)) {
        for (std::size_t j = 0; j < z.size(); ++j) {
          z[j] = z[j] * std::exp(-log_scales_[i][j]) - shifts_[i][j];
        }
      } else if (const auto* standardise = std::get_if<StandardiseConfig>(&layer)) {
        for (std::size_t j = 0; j < z.size(); ++j) {
          z[j] = z[j] * standardise->deviation[j] + standardise->mean[j];
        }
      } else if (const auto* whiten = std::get_if<WhitenConfig>(&layer)) {
        const std::vector<Wide> y = z;
        for (std::size_t j = 0; j < z.size(); ++j) {
          z[j] = 0;
          for (std::size_t k = 0; k <= j; ++k) z[j] += whiten->factor[j * z.size() + k] * y[k];
        }
      } else {
        from_line(std::get<IntervalConfig>(layer), z);
      }
    }
    return z;
  }

 private:
  static void from_line(const IntervalConfig& config, std::vector<Wide>& z) {
    const Wide alpha = config.alpha;
    for (const ColumnInterval& interval : config.columns) {
      Wide& x = z[interval.column];
      if (interval.lower && interval.upper) {
        const Wide lower = *interval.lower, upper = *interval.upper;
        const Wide s = (1 / (1 + std::exp(-x)) - alpha) / (1 - 2 * alpha);
        x = lower + (upper - lower) * std::clamp(s, Wide(0), Wide(1));
      } else if (interval.lower) {
        x = *interval.lower + interval.scale * std::max(std::exp(x) - alpha, Wide(0));
      } else {
        x = *interval.upper - interval.scale * std::max(std::exp(-x) - alpha, Wide(0));
      }
    }
  }

  FlowConfig config_;
  std::vector<double> values_;
  // Per layer, empty where it has none.
  std::vector<std::vector<Wide>> log_scales_, shifts_, factors_;
  std::vector<BranchTwin> branches_;     // of the blocks, in order
  std::vector<CouplingTwin> couplings_;  // in order
};

}  // namespace iflow
