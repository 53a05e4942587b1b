#include "train/schedule.h"

#include <cmath>
#include <numbers>

namespace iflow {

double learning_rate_factor(std::uint64_t step, std::uint64_t steps, double warmup) {
  const double at = static_cast<double>(step) + 1;
  const double rising = std::ceil(warmup * static_cast<double>(steps));
  if (at <= rising) return at / rising;
  const double falling = static_cast<double>(steps) - rising;
  return 0.5 * (1 + std::cos(std::numbers::pi * (at - rising) / (falling + 1)));
}

}  // namespace iflow
