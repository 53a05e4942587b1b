// Elementary functions over machine vectors. Polynomials are Taylor series cut where the remainder
// is below a tenth of an ulp, so that each coefficient can be checked by eye; where time counts
// most they are minimax. Accuracy is tested in tests/kernels/vector_math_test.cpp and stated there
// in ulp.
#pragma once

#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numbers>
#include <type_traits>

#include "kernels/simd.h"
#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace iflow::simd {

template <class T>
struct BitsOf {
  using scalar = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
};
// Signed integers as wide as T, a register of them; also what comparing two Vec<T> yields.
template <class T>
using Int = typename BitsOf<T>::scalar;
template <class T>
using IntVec = Vec<Int<T>>;

template <class T>
inline IntVec<T> bits(Vec<T> x) {
  return reinterpret_cast<IntVec<T>>(x);
}
template <class T>
inline Vec<T> from_bits(IntVec<T> x) {
  return reinterpret_cast<Vec<T>>(x);
}

// `yes` where the mask is set, `no` elsewhere.
template <class T>
inline Vec<T> select(IntVec<T> mask, Vec<T> yes, Vec<T> no) {
  return mask ? yes : no;
}

template <class T>
inline Vec<T> abs(Vec<T> x) {
  return from_bits<T>(bits<T>(x) & std::numeric_limits<Int<T>>::max());
}

// Whether any lane of |x| is above `limit`.
template <class T>
inline bool any_beyond(Vec<T> x, T limit) {
  const IntVec<T> beyond = abs<T>(x) > limit;
#if defined(__AVX512F__)
  const auto words = reinterpret_cast<__m512i>(beyond);
  return _mm512_test_epi32_mask(words, words) != 0;
#elif defined(__AVX__)
  const auto words = reinterpret_cast<__m256i>(beyond);
  return _mm256_testz_si256(words, words) == 0;
#else
  Int<T> set = 0;
  for (std::size_t i = 0; i < kWidth<T>; ++i) set |= beyond[i];
  return set != 0;
#endif
}

// The nearest integer of |x| < 2^(digits - 2), and its low bits in `integer`.
template <class T>
inline Vec<T> round_to_integer(Vec<T> x, IntVec<T>& integer) {
  // Adding 1.5 * 2^(digits - 1) leaves no room for a fraction: the sum's last bits are the integer.
  constexpr T kMagic = T(1.5) * T(std::int64_t{1} << (std::numeric_limits<T>::digits - 1));
  const Vec<T> shifted = x + kMagic;
  integer = bits<T>(shifted);
  return shifted - kMagic;
}

// sum over k < kTerms of c(k) x^k, c(k) a constexpr function.
template <class T, int kTerms, class Coefficient>
inline Vec<T> horner(Vec<T> x, Coefficient c) {
  Vec<T> sum = broadcast(c(kTerms - 1));
#pragma GCC unroll 16
  for (int k = kTerms - 2; k >= 0; --k) sum = sum * x + c(k);
  return sum;
}

template <class T>
constexpr T reciprocal_factorial(int n) {
  double f = 1;
  for (int i = 2; i <= n; ++i) f *= i;
  return static_cast<T>(1 / f);
}

template <class T>
struct SinCos {
  Vec<T> sin, cos;
};

// An angle as the nearest multiple of a quarter turn (its low bits) and what is left.
template <class T>
struct Quadrant {
  IntVec<T> number;
  Vec<T> rest;
};

// Of the angle a z, in quarter turns. The angle is rounded twice, once where the products are
// fused. A product of its own and a reduction in three parts would take four instructions more,
// which a training step notices.
inline Quadrant<float> quadrant_of(Vec<float> z, float a) {
  const auto quarters = static_cast<float>(a * (2 / std::numbers::pi));
  IntVec<float> number;
  const Vec<float> n = round_to_integer<float>(z * quarters, number);
  return {number, z * quarters - n};
}

// Of the angle a z, in radians.
inline Quadrant<double> quadrant_of(Vec<double> z, double a) {
  // pi / 2 in parts whose products with the quadrant's number are exact.
  constexpr double kPart1 = 0x1.921FB54p0, kPart2 = 0x1.10B4610p-30, kPart3 = 0x1.A62633145C06Ep-58;
  const Vec<double> x = a * z;
  IntVec<double> number;
  const Vec<double> n = round_to_integer<double>(x * (2 / std::numbers::pi), number);
  return {number, ((x - n * kPart1) - n * kPart2) - n * kPart3};
}

// sin(r) / r and cos r as polynomials of r^2 up to r = pi / 4 whose largest relative error is least
// (minimax): a term shorter than the series, at most .03 ulp of a float off.
inline constexpr double kSinTerms[] = {1, -0x1.555546p-3, 0x1.110736p-7, -0x1.994222p-13};
inline constexpr double kCosTerms[] = {1, -0.5, 0x1.55554Ap-5, -0x1.6C0C2Ep-10, 0x1.99EA02p-16};

// (pi / 2)^n
constexpr double quarter_turn_to(int n) {
  double power = 1;
  for (int i = 0; i < n; ++i) power *= std::numbers::pi / 2;
  return power;
}

// sin and cos of the rest of an angle, in quarter turns.
inline SinCos<float> sincos_of_rest(Vec<float> r) {
  const auto sin_term = [](int k) {
    return static_cast<float>(kSinTerms[k] * quarter_turn_to(2 * k + 1));
  };
  const auto cos_term = [](int k) {
    return static_cast<float>(kCosTerms[k] * quarter_turn_to(2 * k));
  };
  const Vec<float> r2 = r * r;
  return {r * horner<float, std::size(kSinTerms)>(r2, sin_term),
          horner<float, std::size(kCosTerms)>(r2, cos_term)};
}

// The same, in radians.
inline SinCos<double> sincos_of_rest(Vec<double> r) {
  constexpr int kTerms = 9;
  const auto term = [](int k, int factor) {
    return (k % 2 ? -1 : 1) * reciprocal_factorial<double>(factor);
  };
  const Vec<double> r2 = r * r;
  return {r * horner<double, kTerms>(r2, [&](int k) { return term(k, 2 * k + 1); }),
          horner<double, kTerms>(r2, [&](int k) { return term(k, 2 * k); })};
}

// Computes the lanes of z beyond `limit` with the C library. It is not inlined, so that the fast
// path keeps its registers.
template <class T>
[[gnu::noinline, gnu::cold]] SinCos<T> sincos_far_lanes(Vec<T> z, T a, SinCos<T> near, T limit) {
  for (std::size_t i = 0; i < kWidth<T>; ++i) {
    if (std::abs(z[i]) > limit) {
      near.sin[i] = std::sin(a * z[i]);
      near.cos[i] = std::cos(a * z[i]);
    }
  }
  return near;
}

// sin and cos of a z, for a > 0 and any finite angle. In double the product a z is rounded first;
// in float a is, to 24 bits of quarter turns.
template <class T>
inline SinCos<T> sincos(Vec<T> z, T a) {
  // Beyond this angle the rest has too few correct bits; the C library computes such lanes.
  constexpr T kLimit = std::is_same_v<T, float> ? T(8192) : T(1 << 25);
  const Quadrant<T> quadrant = quadrant_of(z, a);
  const SinCos<T> rest = sincos_of_rest(quadrant.rest);

  const IntVec<T> swap = (quadrant.number & 1) != 0;
  constexpr int kSignShift = std::numeric_limits<Int<T>>::digits - 1;
  constexpr Int<T> kSign = std::numeric_limits<Int<T>>::min();
  const IntVec<T> sin_sign = (quadrant.number << kSignShift) & kSign;
  const IntVec<T> cos_sign = ((quadrant.number + 1) << kSignShift) & kSign;
  const SinCos<T> near{from_bits<T>(bits<T>(select<T>(swap, rest.cos, rest.sin)) ^ sin_sign),
                       from_bits<T>(bits<T>(select<T>(swap, rest.sin, rest.cos)) ^ cos_sign)};
  if (any_beyond<T>(z, kLimit / a)) [[unlikely]]
    return sincos_far_lanes<T>(z, a, near, kLimit / a);
  return near;
}

// e^x; 0 below the smallest normal number, the largest finite e^n above the largest.
template <class T>
inline Vec<T> exp(Vec<T> x) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  constexpr T kLargest = kFloat ? T(88) : T(709);
  constexpr T kSmallest = kFloat ? T(-87) : T(-708);
  constexpr T kLn2High = kFloat ? T(0x1.62E4p-1) : T(0x1.62E42FEFA2p-1);
  constexpr T kLn2Low = kFloat ? T(0x1.7F7D1Cp-20) : T(0x1.9EF35793C7673p-41);
  const IntVec<T> tiny = x < kSmallest;
  x = select<T>(x > kLargest, broadcast(kLargest), x);
  x = select<T>(tiny, broadcast(kSmallest), x);
  IntVec<T> power;
  const Vec<T> n = round_to_integer<T>(x * T(std::numbers::log2e), power);
  const Vec<T> r = (x - n * kLn2High) - n * kLn2Low;
  const Vec<T> fraction = horner < T,
               kFloat ? 8 : 14 > (r, [](int k) { return reciprocal_factorial<T>(k); });
  // Multiplies by 2^n: adds n to the exponent.
  const IntVec<T> scaled = bits<T>(fraction) + (power << (std::numeric_limits<T>::digits - 1));
  return select<T>(tiny, Vec<T>{}, from_bits<T>(scaled));
}

// ln x of a positive normal x; NaN for x <= 0 or NaN.
template <class T>
inline Vec<T> log(Vec<T> x) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  constexpr int kMantissa = std::numeric_limits<T>::digits - 1;
  constexpr T kHalfRoot = T(std::numbers::sqrt2 / 2);
  const IntVec<T> positive = x > 0;
  x = select<T>(positive, x, broadcast(T(1)));
  // x = m 2^n with m in [sqrt(1/2), sqrt 2).
  const IntVec<T> offset = bits<T>(x) - bits<T>(broadcast(kHalfRoot));
  const IntVec<T> n = offset >> kMantissa;
  const Vec<T> m = from_bits<T>(bits<T>(x) - (n << kMantissa));
  // ln m = 2 artanh s, s = (m - 1) / (m + 1).
  const Vec<T> s = (m - 1) / (m + 1);
  const Vec<T> series = horner < T,
               kFloat ? 5 : 11 > (s * s, [](int k) { return T(2) / T(2 * k + 1); });
  const Vec<T> power = __builtin_convertvector(n, Vec<T>);
  const Vec<T> result = power * T(std::numbers::ln2) + s * series;
  return select<T>(positive, result, broadcast(std::numeric_limits<T>::quiet_NaN()));
}

// 1 / (1 + e^-x).
template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
  return T(1) / (T(1) + exp<T>(-x));
}

}  // namespace iflow::simd
