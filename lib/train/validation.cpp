#include "train/validation.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/mean_and_error.h"
#include "nn/lipschitz.h"
#include "objective/row_density.h"

namespace iflow {

namespace {

// Validation is exact up to so many columns, beyond them with truncation errors of at most so many
// nats per column (.0014 bits per dimension).
constexpr std::size_t kMostExactValidation = 256;
constexpr double kValidationBound = 1e-3;

}  // namespace

std::vector<double> validation_log_density(const ProvedFlow& flow, std::span<const double> rows,
                                           std::uint64_t seed) {
  if (flow.has_closed_form() || flow.dimension() <= kMostExactValidation) {
    return log_density(flow, rows);
  }
  std::vector<std::uint64_t> ids(rows.size() / flow.row_width());
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.probes = 2;
  options.max_bound = kValidationBound * static_cast<double>(flow.dimension());
  std::vector<double> log_p;
  for (const DensityEstimate& row : estimate_log_density(flow, rows, ids, options, seed)) {
    log_p.push_back(row.value);
  }
  return log_p;
}

Validation::Validation(const FlowConfig& flow, const ParameterLayout& layout,
                       std::span<const double> rows, RowWeights weights, std::uint64_t seed)
    : flow_(flow), layout_(layout), rows_(rows), weights_(weights), seed_(seed) {}

bool Validation::add_point(TrainState& state, double training_loss) const {
  std::vector<float> values = state.average;
  scale_to_proved_bound(layout_, values);
  const double validation_loss =
      rows_.empty() ? std::numeric_limits<double>::quiet_NaN() : loss(values);
  if (!rows_.empty() && !std::isfinite(validation_loss)) return false;
  state.history.push_back({state.step, training_loss, validation_loss});
  if (state.best.empty() || rows_.empty() || validation_loss < state.best_loss) {
    state.best_step = state.step;
    state.best_loss = validation_loss;
    state.best = std::move(values);
  }
  return true;
}

// The rows' mean negative log-density; NaN where one of them has none.
double Validation::loss(const std::vector<float>& values) const {
  const ProvedFlow flow(flow_, values);
  try {
    return -mean_and_error(validation_log_density(flow, rows_, seed_), weights_).mean;
  } catch (const NumericError&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace iflow
