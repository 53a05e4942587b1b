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
  return sincos<T>(x).sin;
}
template <class T>
Vec<T> cos_of(Vec<T> x) {
  return sincos<T>(x).cos;
}

template <class T>
void check_sin_and_cos(const std::vector<T>& xs, double bound, int smallest = kNormal<T>) {
  const auto sine = [](long double x) { return std::sin(x); };
  const auto cosine = [](long double x) { return std::cos(x); };
  check_bound(worst_error(xs, sin_of<T>, sine, smallest), bound);
  check_bound(worst_error(xs, cos_of<T>, cosine, smallest), bound);
}

constexpr std::size_t kPoints = 60000;

// Largest arguments that sincos reduces by itself.
template <class T>
constexpr double kReduced = std::is_same_v<T, float> ? 8192 : 0x1p25;

TEST_CASE_TEMPLATE("sin and cos are within 1.2 ulp up to pi / 4", T, float, double) {
  check_sin_and_cos(even<T>(-std::numbers::pi / 4, std::numbers::pi / 4, kPoints), 1.2);
  check_sin_and_cos(spread<T>(Limits<T>::denorm_min(), 0.75, kPoints), 1.2);
}

TEST_CASE_TEMPLATE("sin and cos are within 2.7 ulp beyond, those of 2^-8 where they are smaller", T,
                   float, double) {
  check_sin_and_cos(even<T>(-10, 10, kPoints), 2.7, -8);
  check_sin_and_cos(even<T>(-kReduced<T>, kReduced<T>, kPoints), 2.7, -8);
  check_sin_and_cos(near_quarter_turns<T>(1000, 600), 2.7, -8);
  check_sin_and_cos(near_quarter_turns<T>(kReduced<T>, 10000), 2.7, -8);
  check_sin_and_cos(even<T>(0.99 * kReduced<T>, 1.01 * kReduced<T>, kPoints), 2.7, -8);
}

TEST_CASE_TEMPLATE("sin and cos of huge arguments are within 1 ulp", T, float, double) {
  check_sin_and_cos(spread<T>(1.01 * kReduced<T>, Limits<T>::max(), 3000), 1);
}

TEST_CASE_TEMPLATE("a far lane does not disturb its neighbours' sin and cos", T, float, double) {
  Vec<T> x = broadcast(T(0.5));
  x[1] = T(1e30);
  const SinCos<T> near = sincos<T>(broadcast(T(0.5))), mixed = sincos<T>(x);
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
