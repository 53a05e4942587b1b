// How good a run's parameters are on rows that it does not learn from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/row_weights.h"
#include "flow/proved_flow.h"
#include "train/state.h"

namespace iflow {

// ln p of the rows to validate on (m, width), in nats: exact where that is affordable; else by the
// series, with probes that are the same every time, so that their noise hardly counts when two
// validations are compared. `seed`: of the run.
std::vector<double> validation_log_density(const ProvedFlow& flow, std::span<const double> rows,
                                           std::uint64_t seed);

class Validation {
 public:
  // rows: (m, width) in the data's own units; there may be none. `layout`: of the flow. All but the
  // seed must outlive it.
  Validation(const FlowConfig& flow, const ParameterLayout& layout, std::span<const double> rows,
             RowWeights weights, std::uint64_t seed);

  // Makes a validation point of the state: scales its averaged parameters to their proved bound,
  // adds their loss to the history, and keeps them where they are the best so far; with no rows,
  // the last ones are. Returns false, having made none, when the loss is not finite.
  bool add_point(TrainState& state, double training_loss) const;

 private:
  double loss(const std::vector<float>& values) const;

  const FlowConfig& flow_;
  const ParameterLayout& layout_;
  std::span<const double> rows_;
  RowWeights weights_;
  std::uint64_t seed_;
};

}  // namespace iflow
