#include "train/config.h"

#include <cmath>

#include "base/error.h"

namespace iflow {

void check(const TrainConfig& c) {
  if (c.batch == 0) throw UsageError("a batch needs at least one row");
  if (!(c.learning_rate > 0)) throw UsageError("the learning rate must be positive");
  if (!(c.ema >= 0 && c.ema < 1)) throw UsageError("the averaging decay must be in [0, 1)");
  if (!(c.l1 >= 0 && std::isfinite(c.l1))) {
    throw UsageError("the strength of the l1 penalty must be a number from 0");
  }
  if (!(c.jacobian_penalty >= 0 && std::isfinite(c.jacobian_penalty))) {
    throw UsageError("the strength of the Jacobian penalty must be a number from 0");
  }
  if (c.jacobian_penalty > 0 && c.log_det.method != LogDetMethod::kExact) {
    throw UsageError("the Jacobian penalty needs the exact log-determinant");
  }
  if (!(c.clip >= 0 && std::isfinite(c.clip))) {
    throw UsageError("the most that a gradient counts must be a number from 0");
  }
  if (c.validate_every == 0) throw UsageError("validations need at least one step between them");
}

}  // namespace iflow
