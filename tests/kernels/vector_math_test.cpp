#include "kernels/vector_math.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"

namespace iflow::simd {
namespace {

template <class T>
using Limits = std::numeric_limits<T>;

// f at one number, in every lane, which must all agree.
template <class T, class F>
T at(const F& f, T x) {
  const Vec<T> y = f(broadcast(x));
  for (std::size_t i = 1; i < kWidth<T>; ++i) {
    CHECK((y[i] == y[0] || (std::isnan(y[i]) && std::isnan(y[0]))));
  }
  return y[0];
}

// Below this exponent units in the last place grow no smaller.
template <class T>
constexpr int kNormal = Limits<T>::min_exponent - 1;

// |got - exact| in units of the last place that `exact`, or 2^smallest if that is larger, has in T.
template <class T>
double ulps(T got, long double exact, int smallest = kNormal<T>) {
  const int exponent = exact == 0 ? smallest : std::max(std::ilogb(exact), smallest);
  const long double error = static_cast<long double>(got) - exact;
  return static_cast<double>(std::fabs(std::ldexp(error, Limits<T>::digits - 1 - exponent)));
}

struct Worst {
  double ulps = 0;
  long double x = 0;
};

// The largest error of f over the numbers `xs`, against `exact`; NaN if there is one.
template <class T, class F, class Exact>
Worst worst_error(const std::vector<T>& xs, const F& f, const Exact& exact,
                  int smallest = kNormal<T>) {
  Worst worst;
  AlignedVector<T> lanes(kWidth<T>), result(kWidth<T>);
  for (std::size_t i = 0; i < xs.size(); i += kWidth<T>) {
    for (std::size_t l = 0; l < kWidth<T>; ++l) lanes[l] = xs[std::min(i + l, xs.size() - 1)];
    store(result.data(), f(load(lanes.data())));
    for (std::size_t l = 0; l < kWidth<T>; ++l) {
      const long double x = lanes[l];
      const double error = ulps(result[l], exact(x), smallest);
      if (!(error <= worst.ulps)) worst = {error, x};
      if (std::isnan(error)) return worst;
    }
  }
  return worst;
}

// Numbers of both signs spread over [smallest, largest] evenly in their logarithm.
template <class T>
std::vector<T> spread(double smallest, double largest, std::size_t n) {
  Rng rng(n, RngPurpose::kTest);
  const double low = std::log2(smallest), high = std::log2(largest);
  std::vector<T> xs = {T(0), T(smallest), T(-smallest), T(largest), T(-largest)};
  while (xs.size() < n) {
    const double x = std::exp2(low + (high - low) * rng.uniform());
    xs.push_back(static_cast<T>(rng.below(2) ? x : -x));
  }
  return xs;
}

// Numbers within [low, high], evenly.
template <class T>
std::vector<T> even(double low, double high, std::size_t n) {
  Rng rng(n, RngPurpose::kTest);
  std::vector<T> xs;
  while (xs.size() < n) xs.push_back(static_cast<T>(low + (high - low) * rng.uniform()));
  return xs;
}

// The neighbours of multiples of pi / 2 from the first to `largest`, where sines and cosines almost
// vanish.
template <class T>
std::vector<T> near_quarter_turns(double largest, std::size_t n) {
  const double turns = std::floor(largest / (std::numbers::pi / 2)) - 1;
  std::vector<T> xs;
  for (std::size_t i = 0; i < n; ++i) {
    const double quarter =
        1 + std::floor((turns - 1) * static_cast<double>(i) / static_cast<double>(n));
    const auto x = static_cast<T>(quarter * std::numbers::pi_v<long double> / 2);
    xs.insert(xs.end(), {x, std::nextafter(x, T(0)), std::nextafter(x, 2 * x)});
  }
  return xs;
}

void check_bound(const Worst& worst, double bound) {
  INFO(worst.ulps, " ulp at x = ", static_cast<double>(worst.x));
  CHECK(worst.ulps <= bound);
}

template <class T>
Vec<T> sin_of(Vec<T> x) {
  return sincos<T>(x, T(1)).sin;
}
template <class T>
Vec<T> cos_of(Vec<T> x) {
  return sincos<T>(x, T(1)).cos;
}

void check_sin_and_cos(const std::vector<double>& xs, double bound,
                       int smallest = kNormal<double>) {
  const auto sine = [](long double x) { return std::sin(x); };
  const auto cosine = [](long double x) { return std::cos(x); };
  check_bound(worst_error(xs, sin_of<double>, sine, smallest), bound);
  check_bound(worst_error(xs, cos_of<double>, cosine, smallest), bound);
}

// The largest error of sin and cos of a z in float, in units of 2^-24 (1 + |a z|).
double worst_float_error(const std::vector<float>& zs, float a) {
  double worst = 0;
  for (std::size_t i = 0; i + kWidth<float> <= zs.size(); i += kWidth<float>) {
    const SinCos<float> got = sincos<float>(load_unaligned(zs.data() + i), a);
    for (std::size_t l = 0; l < kWidth<float>; ++l) {
      const long double angle = static_cast<long double>(a) * zs[i + l];
      const long double error = std::max(std::fabs(got.sin[l] - std::sin(angle)),
                                         std::fabs(got.cos[l] - std::cos(angle)));
      worst = std::max(worst, static_cast<double>(error * 0x1p24L / (1 + std::fabs(angle))));
    }
  }
  return worst;
}

constexpr std::size_t kPoints = 60000;

// Largest angles that sincos reduces by itself.
template <class T>
constexpr double kReduced = std::is_same_v<T, float> ? 8192 : 0x1p25;

TEST_CASE("sin and cos in double are within 1.2 ulp up to pi / 4") {
  check_sin_and_cos(even<double>(-std::numbers::pi / 4, std::numbers::pi / 4, kPoints), 1.2);
  check_sin_and_cos(spread<double>(Limits<double>::denorm_min(), 0.75, kPoints), 1.2);
}

TEST_CASE("sin and cos in double are within 2.7 ulp beyond, those of 2^-8 where they are smaller") {
  constexpr double kLargest = kReduced<double>;
  check_sin_and_cos(even<double>(-10, 10, kPoints), 2.7, -8);
  check_sin_and_cos(even<double>(-kLargest, kLargest, kPoints), 2.7, -8);
  check_sin_and_cos(near_quarter_turns<double>(1000, 600), 2.7, -8);
  check_sin_and_cos(near_quarter_turns<double>(kLargest, 10000), 2.7, -8);
  check_sin_and_cos(even<double>(0.99 * kLargest, 1.01 * kLargest, kPoints), 2.7, -8);
}

// The angle is rounded twice, in a and in the product; once where the compiler fuses the latter.
TEST_CASE("sin and cos in float are within two roundings of the angle and of themselves") {
  constexpr double kLargest = kReduced<float>;
  for (const float a : {0.01F, 0.3F, 1.0F, 4.5F, 30.0F}) {
    CAPTURE(a);
    for (const double angle : {0.1, 0.8, 3.0, 10.0, 100.0, kLargest, 1.01 * kLargest}) {
      CHECK(worst_float_error(even<float>(-angle / a, angle / a, kPoints), a) <= 2);
    }
    CHECK(worst_float_error(spread<float>(Limits<float>::denorm_min(), 1e4 / a, kPoints), a) <= 2);
  }
  CHECK(worst_float_error(near_quarter_turns<float>(kLargest, 10000), 1) <= 2);
}

TEST_CASE("sin and cos of huge arguments are within 1 ulp") {
  const std::vector<float> floats =
      spread<float>(1.01 * kReduced<float>, Limits<float>::max(), 3000);
  check_bound(worst_error(floats, sin_of<float>, [](long double x) { return std::sin(x); }), 1);
  check_bound(worst_error(floats, cos_of<float>, [](long double x) { return std::cos(x); }), 1);
  check_sin_and_cos(spread<double>(1.01 * kReduced<double>, Limits<double>::max(), 3000), 1);
}

TEST_CASE_TEMPLATE("a far lane does not disturb its neighbours' sin and cos", T, float, double) {
  Vec<T> x = broadcast(T(0.5));
  x[1] = T(1e30);
  const SinCos<T> near = sincos<T>(broadcast(T(0.5)), T(1)), mixed = sincos<T>(x, T(1));
  CHECK(mixed.sin[0] == near.sin[0]);
  CHECK(mixed.cos[0] == near.cos[0]);
  CHECK(mixed.sin[1] == std::sin(T(1e30)));
  CHECK(mixed.cos[1] == std::cos(T(1e30)));
}

TEST_CASE_TEMPLATE("sin and cos are not numbers where the argument is none or infinite", T, float,
                   double) {
  for (const T x : {Limits<T>::infinity(), -Limits<T>::infinity(), Limits<T>::quiet_NaN()}) {
    CHECK(std::isnan(at<T>(sin_of<T>, x)));
    CHECK(std::isnan(at<T>(cos_of<T>, x)));
  }
}

TEST_CASE_TEMPLATE("exp is within 1.2 ulp over all normal results", T, float, double) {
  const bool is_float = std::is_same_v<T, float>;
  const auto exact = [](long double x) { return std::exp(x); };
  const double low = is_float ? -87 : -708, high = is_float ? 88 : 709;
  check_bound(worst_error(even<T>(low, high, kPoints), exp<T>, exact), 1.2);
  check_bound(worst_error(even<T>(-2, 2, kPoints), exp<T>, exact), 1.2);
  check_bound(worst_error(spread<T>(Limits<T>::denorm_min(), 1, kPoints), exp<T>, exact), 1.2);
  CHECK(at<T>(exp<T>, 0) == 1);
}

TEST_CASE_TEMPLATE("exp is 0 below, the largest power above, and no number of none", T, float,
                   double) {
  const bool is_float = std::is_same_v<T, float>;
  const T infinity = Limits<T>::infinity();
  for (const T x : {is_float ? T(-87.01) : T(-708.01), T(-1e6), Limits<T>::lowest(), -infinity}) {
    CHECK(at<T>(exp<T>, x) == 0);
  }
  const T largest = at<T>(exp<T>, is_float ? T(88) : T(709));
  CHECK(std::isfinite(largest));
  for (const T x : {is_float ? T(88.5) : T(709.5), T(1e6), Limits<T>::max(), infinity}) {
    CHECK(at<T>(exp<T>, x) == largest);
  }
  CHECK(std::isnan(at<T>(exp<T>, Limits<T>::quiet_NaN())));
}

TEST_CASE_TEMPLATE("log is within 3 ulp over all positive normal numbers", T, float, double) {
  const auto exact = [](long double x) { return std::log(x); };
  std::vector<T> xs = spread<T>(Limits<T>::min(), Limits<T>::max(), kPoints);
  xs.erase(xs.begin());  // the zero
  for (T& x : xs) x = std::abs(x);
  check_bound(worst_error(xs, log<T>, exact), 3);
  check_bound(worst_error(even<T>(0.5, 2, kPoints), log<T>, exact), 3);
  check_bound(worst_error(even<T>(0.999, 1.001, kPoints), log<T>, exact), 3);
  const T one = 1;
  const std::vector<T> around = {one, std::nextafter(one, T(0)), std::nextafter(one, T(2)),
                                 T(std::numbers::sqrt2), T(std::numbers::sqrt2 / 2)};
  check_bound(worst_error(around, log<T>, exact), 3);
  CHECK(at<T>(log<T>, 1) == 0);
}

TEST_CASE_TEMPLATE("log of what is not positive is not a number", T, float, double) {
  for (const T x : {T(0), T(-0.0), T(-1), Limits<T>::lowest(), -Limits<T>::denorm_min(),
                    -Limits<T>::infinity(), Limits<T>::quiet_NaN()}) {
    CHECK(std::isnan(at<T>(log<T>, x)));
  }
}

TEST_CASE_TEMPLATE("sigmoid is within 2.5 ulp", T, float, double) {
  const bool is_float = std::is_same_v<T, float>;
  const auto exact = [](long double x) { return 1 / (1 + std::exp(-x)); };
  const double range = is_float ? 87 : 708;
  check_bound(worst_error(even<T>(-range, range, kPoints), sigmoid<T>, exact), 2.5);
  check_bound(worst_error(even<T>(-2, 2, kPoints), sigmoid<T>, exact), 2.5);
  check_bound(worst_error(spread<T>(Limits<T>::denorm_min(), 1, kPoints), sigmoid<T>, exact), 2.5);
  for (const T x : {T(1e6), Limits<T>::max(), Limits<T>::infinity()}) {
    CHECK(at<T>(sigmoid<T>, x) == 1);
    const T below = at<T>(sigmoid<T>, -x);
    CHECK(below >= 0);
    CHECK(below <= Limits<T>::min());
  }
}

}  // namespace
}  // namespace iflow::simd
