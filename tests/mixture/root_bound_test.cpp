#include "mixture/root_bound.h"

#include <doctest/doctest.h>

#include <cmath>

#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

TEST_CASE("of one Gaussian the bound is little more than the error times its deviation") {
  const GaussianMixture mixture{1, {{{0.5}, {0.0}, {3.0}}}};  // x = 3 + 2 z
  const LaneMixture lanes(mixture);
  for (const double z : {-30.0, -1.0, 0.0, 5.0}) {
    for (const double error : {1e-12, 1e-6, 1e-2}) {
      const double bound = RootBound(lanes).next(3 + 2 * z, z, error);
      CHECK(bound >= 2 * error);
      CHECK(bound <= 6 * error + 1e-12);
    }
  }
}

TEST_CASE("errors of columns before are propagated") {
  // x_2 given x_1 has mean x_1 - 1 and deviation 1/2.
  const GaussianMixture mixture{2, {{{1, 0, -2, 2}, {0.0}, {0, -1}}}};
  const LaneMixture lanes(mixture);
  RootBound bound(lanes);
  const double first = bound.next(0.7, 0.7, 1e-3), second = bound.next(-0.3, 0.0, 1e-3);
  CHECK(first >= 1e-3);
  CHECK(first <= 3e-3);
  CHECK(second >= first + 0.5e-3);
  CHECK(second <= 3 * (first + 0.5e-3));
}

TEST_CASE("nothing much is proved where a weight may flip between clusters") {
  // x_1 tells the clusters apart, x_2 is -100 in one and 100 in the other.
  GaussianMixture mixture{2, {}};
  for (const double side : {-1.0, 1.0}) {
    mixture.families.push_back({{10, 0, 0, 10}, {std::log(0.5)}, {side, 100 * side}});
  }
  const LaneMixture lanes(mixture);
  RootBound close(lanes);
  close.next(-1, -0.6744897501960817, 1e-6);
  CHECK(close.next(-100, 0, 1e-6) < 1e-4);
  RootBound vague(lanes);
  const double first = vague.next(0, 0, 0.5);
  CHECK(first >= 0.97);
  CHECK(first < 2.5);
  CHECK(vague.next(-100, 0, 0.5) >= 200);
}

}  // namespace
}  // namespace iflow
