#include "train/gradient_clip.h"

#include <doctest/doctest.h>

#include <vector>

namespace iflow {
namespace {

TEST_CASE("gradient clip: by hand") {
  const std::vector<float> v = {0.75F, 0.25F};  // after so many steps that the usual norm is 2
  constexpr double kGathered = 0.25;
  std::vector<float> g = {12, 16};
  clip_to_usual(2, kGathered, v.data(), g.size(), g.data());
  CHECK(g[0] == doctest::Approx(2.4));
  CHECK(g[1] == doctest::Approx(3.2));
}

TEST_CASE("gradient clip: what is within its usual size stays to the bit") {
  const std::vector<float> v = {0.75F, 0.25F};
  std::vector<float> g = {2.4F, -3.1F};
  clip_to_usual(2, 0.25, v.data(), g.size(), g.data());
  CHECK(g == std::vector<float>{2.4F, -3.1F});
}

TEST_CASE("gradient clip: nothing is usual before the first gradient") {
  const std::vector<float> v = {0, 0};
  std::vector<float> g = {1e10F, -1};
  clip_to_usual(2, 0.1, v.data(), g.size(), g.data());
  CHECK(g == std::vector<float>{1e10F, -1});
}

TEST_CASE("gradient clip: the largest gradients that Adam takes, beside the smallest moments") {
  const std::vector<float> v = {1e-38F, 1e-38F};
  std::vector<float> g = {9e18F, 0};
  clip_to_usual(2, 1, v.data(), g.size(), g.data());
  CHECK(g[0] == doctest::Approx(2 * 1.41421356e-19));
  CHECK(g[1] == 0);
}

}  // namespace
}  // namespace iflow
