#include "flow/proved_flow.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "flow/condition.h"
#include "flow/lanes.h"

namespace iflow {

ProvedFlow::ProvedFlow(const FlowConfig& config, std::span<const float> values)
    : config_(config),
      flow_(build_flow<double>(config)),
      values_(values.begin(), values.end()),
      certificate_(flow_.prove(values_)),
      bounds_(certificate_.residual_lipschitz()) {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    if (!(bounds_[i] < 1)) {
      throw NumericError("flow." + std::to_string(i) + ": the proved Lipschitz bound is " +
                         std::to_string(bounds_[i]) + ", not below 1");
    }
  }
}

bool ProvedFlow::has_closed_form() const {
  return std::all_of(bounds_.begin(), bounds_.end(), [](double bound) { return bound == 0; });
}

LoadedPass ProvedFlow::load(Tape<double>& tape, const double* rows, std::size_t n) const {
  const std::size_t d = dimension();
  const Var x = tape.variable(d, groups_for(n));
  rows_to_lanes(rows, n, d, tape.value(x), row_width());
  const double* condition = load_condition(config_.condition, tape, rows, n, d);
  return {{tape, flow_.layout(), values_.data(), nullptr, condition}, x};
}

}  // namespace iflow
