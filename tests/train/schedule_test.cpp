#include "train/schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

namespace iflow {
namespace {

TEST_CASE("the learning rate rises in a line to 1, then falls along half a cosine") {
  constexpr std::uint64_t kSteps = 200;
  CHECK(learning_rate_factor(0, kSteps, 0.05) == doctest::Approx(0.1));
  CHECK(learning_rate_factor(4, kSteps, 0.05) == doctest::Approx(0.5));
  CHECK(learning_rate_factor(9, kSteps, 0.05) == doctest::Approx(1));
  double before = 1;
  for (std::uint64_t step = 10; step < kSteps; ++step) {
    const double now = learning_rate_factor(step, kSteps, 0.05);
    CHECK(now < before);
    CHECK(now > 0);
    before = now;
  }
  CHECK(before < 1e-3);
  // Half of the fall is over when half of the steps after the warm-up are.
  CHECK(learning_rate_factor(104, kSteps, 0.05) == doctest::Approx(0.5).epsilon(0.02));
}

TEST_CASE("the learning rate of degenerate plans is finite, positive and at most 1") {
  for (const std::uint64_t steps : {1, 2, 3, 10}) {
    for (const double warmup : {0.0, 0.05, 0.5, 1.0}) {
      for (std::uint64_t step = 0; step < steps; ++step) {
        const double factor = learning_rate_factor(step, steps, warmup);
        INFO(step, " of ", steps, ", warm-up ", warmup);
        CHECK(factor > 0);
        CHECK(factor <= 1);
      }
    }
  }
}

}  // namespace
}  // namespace iflow
