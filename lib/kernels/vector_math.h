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

// yes where the mask is set, no elsewhere.
template <class T>
inline Vec<T> select(IntVec<T> mask, Vec<T> yes, Vec<T> no) {
  return mask ? yes : no;
}

template <class T>
inline bool any(IntVec<T> mask) {
#if defined(__AVX512F__)
  const auto words = reinterpret_cast<__m512i>(mask);
  return _mm512_test_epi32_mask(words, words) != 0;
#elif defined(__AVX__)
  const auto words = reinterpret_cast<__m256i>(mask);
  return _mm256_testz_si256(words, words) == 0;
#else
  Int<T> set = 0;
  for (std::size_t i = 0; i < kWidth<T>; ++i) set |= mask[i];
  return set != 0;
#endif
}

template <class T>
inline Vec<T> abs(Vec<T> x) {
  return from_bits<T>(bits<T>(x) & std::numeric_limits<Int<T>>::max());
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

// In float, sin(r) / r and cos r as polynomials of r^2 up to r = pi / 4 whose largest relative
// error is least (minimax): a term shorter than the series, at most .03 ulp off.
inline constexpr float kSinTerms[] = {1, -0x1.555546p-3F, 0x1.110736p-7F, -0x1.994222p-13F};
inline constexpr float kCosTerms[] = {1, -0.5F, 0x1.55554Ap-5F, -0x1.6C0C2Ep-10F, 0x1.99EA02p-16F};

// The lanes of x beyond `limit`, by the C library: out of line, so that the fast path keeps its
// registers.
template <class T>
[[gnu::noinline, gnu::cold]] SinCos<T> sincos_far_lanes(Vec<T> x, SinCos<T> near, T limit) {
  for (std::size_t i = 0; i < kWidth<T>; ++i) {
    if (std::abs(x[i]) > limit) {
      near.sin[i] = std::sin(x[i]);
      near.cos[i] = std::cos(x[i]);
    }
  }
  return near;
}

// sin and cos of any finite argument.
template <class T>
inline SinCos<T> sincos(Vec<T> x) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  // Beyond this the three-part pi / 2 below loses bits; the C library takes such lanes.
  constexpr T kLimit = kFloat ? T(8192) : T(1 << 25);
  // pi / 2 in parts whose products with the quadrant number are exact.
  constexpr T kPart1 = kFloat ? T(0x1.92p0) : T(0x1.921FB54p0);
  constexpr T kPart2 = kFloat ? T(0x1.FB4p-12) : T(0x1.10B4610p-30);
  constexpr T kPart3 = kFloat ? T(0x1.4442D2p-24) : T(0x1.A62633145C06Ep-58);

  IntVec<T> quadrant;
  const Vec<T> n = round_to_integer<T>(x * T(2 / std::numbers::pi), quadrant);
  const Vec<T> r = ((x - n * kPart1) - n * kPart2) - n * kPart3;
  const Vec<T> r2 = r * r;
  const auto sin_term = [](int k) -> T {
    return kFloat ? kSinTerms[k] : (k % 2 ? -1 : 1) * reciprocal_factorial<T>(2 * k + 1);
  };
  const auto cos_term = [](int k) -> T {
    return kFloat ? kCosTerms[k] : (k % 2 ? -1 : 1) * reciprocal_factorial<T>(2 * k);
  };
  const Vec<T> s = r * horner < T, kFloat ? std::size(kSinTerms) : 9 > (r2, sin_term);
  const Vec<T> c = horner < T, kFloat ? std::size(kCosTerms) : 9 > (r2, cos_term);

  const IntVec<T> swap = (quadrant & 1) != 0;
  constexpr int kSignShift = std::numeric_limits<Int<T>>::digits - 1;
  constexpr Int<T> kSign = std::numeric_limits<Int<T>>::min();
  const IntVec<T> sin_sign = (quadrant << kSignShift) & kSign;
  const IntVec<T> cos_sign = ((quadrant + 1) << kSignShift) & kSign;
  const SinCos<T> near{from_bits<T>(bits<T>(select<T>(swap, c, s)) ^ sin_sign),
                       from_bits<T>(bits<T>(select<T>(swap, s, c)) ^ cos_sign)};
  if (any<T>(abs<T>(x) > kLimit)) [[unlikely]]
    return sincos_far_lanes<T>(x, near, kLimit);
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
