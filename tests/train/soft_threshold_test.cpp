#include "train/soft_threshold.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace iflow {
namespace {

TEST_CASE("soft threshold: by hand") {
  std::vector<float> theta = {1, -1, 0.25F, -0.25F, 0.125F, -0.125F, 0, 0.5F};
  soft_threshold(0.25F, theta.size() - 1, theta.data());
  CHECK(theta == std::vector<float>{0.75F, -0.75F, 0, 0, 0, 0, 0, 0.5F});
}

TEST_CASE("soft threshold: nothing changes at 0, and what is not a number stays so") {
  std::vector<float> theta = {1.5F, -2e-30F, 0};
  soft_threshold(0, theta.size(), theta.data());
  CHECK(theta == std::vector<float>{1.5F, -2e-30F, 0});
  float nan = std::nanf("");
  soft_threshold(0.1F, 1, &nan);
  CHECK(std::isnan(nan));
}

// The minimum of t |x| + (x - theta)^2 / 2 over a fine grid.
TEST_CASE("soft threshold: is the proximal map of the absolute value") {
  constexpr double kThreshold = 0.3, kStep = 1e-3;
  for (double theta = -1; theta <= 1; theta += 0.05) {
    double best = 0, least = theta * theta / 2;
    for (double x = -1.5; x <= 1.5; x += kStep) {
      const double value = kThreshold * std::fabs(x) + (x - theta) * (x - theta) / 2;
      if (value < least) {
        least = value;
        best = x;
      }
    }
    auto got = static_cast<float>(theta);
    soft_threshold(static_cast<float>(kThreshold), 1, &got);
    CHECK(std::fabs(got - best) <= kStep);
  }
}

}  // namespace
}  // namespace iflow
