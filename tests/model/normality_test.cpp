#include "model/normality.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace iflow {
namespace {

TEST_CASE("normality: moments by hand") {
  // Deviations from the mean 2: -2, -1, -1, 4; m2 = 5.5, m3 = 13.5, m4 = 68.5.
  const Normality a = normality({0, 1, 1, 6});
  CHECK(a.mean == doctest::Approx(2));
  CHECK(a.deviation == doctest::Approx(std::sqrt(22.0 / 3)));
  CHECK(a.skewness == doctest::Approx(13.5 / std::pow(5.5, 1.5)));
  CHECK(a.excess_kurtosis == doctest::Approx(68.5 / (5.5 * 5.5) - 3));
}

TEST_CASE("normality: the distance is taken on both sides of every jump") {
  // At 0 the empirical function jumps from 0 to 1, and Phi is a half.
  CHECK(normality({0}).ks_distance == doctest::Approx(0.5));
  // Phi(1) = 0.841345 where the function still is 0; Phi(-1) = 0.158655 where it is 1.
  CHECK(normality({1}).ks_distance == doctest::Approx(0.841345).epsilon(1e-6));
  CHECK(normality({-1, -1}).ks_distance == doctest::Approx(0.841345).epsilon(1e-6));
}

TEST_CASE("normality: what has no spread has no shape") {
  CHECK(std::isnan(normality({3}).deviation));
  CHECK(std::isnan(normality({3, 3}).skewness));
  CHECK(std::isnan(normality({3, 3}).excess_kurtosis));
  CHECK(normality({3, 3}).deviation == 0);
}

TEST_CASE("ks_critical: normal draws exceed it one time in twenty") {
  constexpr int kTrials = 4000, kDraws = 50;
  Rng rng(1, RngPurpose::kTest);
  int above = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> x(kDraws);
    for (double& xi : x) xi = rng.normal();
    if (normality(x).ks_distance > ks_critical(kDraws)) ++above;
  }
  // Four standard errors of the share.
  CHECK(std::fabs(above / double{kTrials} - 0.05) < 4 * std::sqrt(0.05 * 0.95 / kTrials));
}

}  // namespace
}  // namespace iflow
