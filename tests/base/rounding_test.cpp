#include "base/rounding.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/rng.h"

namespace iflow {
namespace {

TEST_CASE("rounding: a sum of products in float is within gamma, not gamma / n, of the exact one") {
  Rng rng(1, RngPurpose::kTest);
  constexpr double u = kUnitRoundoff<float>;
  for (const std::size_t n : {1U, 3U, 100U, 10000U}) {
    std::size_t outside = 0, beyond = 0;
    for (int repeat = 0; repeat < 100; ++repeat) {
      float sum = 0;
      double exact = 0, absolute = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const auto a = static_cast<float>(rng.normal()), b = static_cast<float>(rng.normal());
        sum += a * b;
        const double product = static_cast<double>(a) * b;
        exact += product;
        absolute += std::fabs(product);
      }
      const double off = std::fabs(sum - exact);
      if (off > gamma(n, u) * absolute) ++outside;
      if (off > gamma(n, u) / static_cast<double>(n) * absolute) ++beyond;
    }
    CHECK(outside == 0);
    if (n == 10000) CHECK(beyond > 0);
  }
}

TEST_CASE("rounding: gamma is n u to first order, and infinite where it proves nothing") {
  CHECK(gamma(0) == 0);
  CHECK(gamma(1) == 0x1p-53 / (1 - 0x1p-53));
  CHECK(gamma(1, 0.25) == doctest::Approx(1.0 / 3));
  CHECK(std::isinf(gamma(4, 0.25)));
  CHECK(std::isinf(gamma(5, 0.25)));
}

// (1 - u)^k of the exact result, the worst that k operations leave of it, times the factor, whose
// product may be rounded down too.
TEST_CASE("rounding: the factors make up for as many operations as their names say") {
  const auto left = [](double factor, double operations) {
    const auto u = static_cast<long double>(kUnitRoundoff<double>);
    return std::log1p(static_cast<long double>(factor) - 1) + (operations + 1) * std::log1p(-u);
  };
  CHECK(left(kUpAfter6, 6) > 0);
  CHECK(left(kUpAfter6, 8) < 0);
  CHECK(left(kUpAfter30, 30) > 0);
  CHECK(left(kUpAfter30, 32) < 0);
  CHECK(left(kUpAfter126, 126) > 0);
  CHECK(left(kUpAfter126, 128) < 0);
  CHECK(left(kUpAfterThousands, 9000) > 0);
  CHECK(left(kUpAfterMillions, 9000000) > 0);
}

}  // namespace
}  // namespace iflow
