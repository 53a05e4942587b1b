#include "kernels/normal.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace iflow::kernels {
namespace {

constexpr double kUnit = std::numeric_limits<double>::epsilon() / 2;

// Phi(-t) / phi(t) in long double: the C library's erfc near the middle, the continued fraction of
// Laplace beyond.
long double exact_mills_ratio(long double t) {
  if (t < 4) {
    return std::erfc(t / std::numbers::sqrt2_v<long double>) / 2 * std::exp(t * t / 2) *
           std::sqrt(2 * std::numbers::pi_v<long double>);
  }
  long double tail = 0;
  for (int k = 400; k > 0; --k) tail = static_cast<long double>(k) / (t + tail);
  return 1 / (t + tail);
}

long double exact_log_cdf(double t) {
  const long double a = std::fabs(static_cast<long double>(t));
  const long double half_log = std::log(2 * std::numbers::pi_v<long double>) / 2;
  const long double log_tail = std::log(exact_mills_ratio(a)) - a * a / 2 - half_log;
  return t < 0 ? log_tail : std::log1p(-std::exp(log_tail));
}

TEST_CASE("mills_ratio is off by at most 4 u") {
  for (double t = 0; t < 1e9; t = t * 1.003 + 0.001) {
    const long double exact = exact_mills_ratio(t);
    CHECK(std::fabs(static_cast<double>(mills_ratio(simd::broadcast(t))[0] - exact)) <=
          4 * kUnit * static_cast<double>(exact));
  }
}

TEST_CASE("log_normal_cdf is as accurate as it says, in both tails") {
  for (double a = 1e-9; a < 1e9; a *= 1.01) {
    for (const double t : {-a, a}) {
      const long double exact = exact_log_cdf(t);
      INFO(t);
      const double value = log_normal_cdf(t);
      CHECK(std::fabs(static_cast<double>(value - exact)) <= log_normal_cdf_error(t, value));
    }
  }
  CHECK(log_normal_cdf(0.0) == doctest::Approx(-std::numbers::ln2).epsilon(1e-15));
  // Known values: ln Phi(-10), ln Phi(-1000).
  CHECK(log_normal_cdf(-10.0) == doctest::Approx(-53.23128515051247).epsilon(1e-15));
  CHECK(log_normal_cdf(-1000.0) == doctest::Approx(-500007.82669481216).epsilon(1e-15));
}

TEST_CASE("normal_quantile undoes log_normal_cdf") {
  for (double a = 1e-9; a < 1e9; a *= 1.01) {
    for (const double t : {-a, a}) {
      INFO(t);
      const double z = normal_quantile(log_normal_cdf(t), log_normal_cdf(-t));
      CHECK(std::fabs(z - t) <= 16 * kUnit * (1 + a));
    }
  }
  CHECK(normal_quantile(-std::numbers::ln2, -std::numbers::ln2) ==
        doctest::Approx(0).epsilon(1e-15));
}

}  // namespace
}  // namespace iflow::kernels
