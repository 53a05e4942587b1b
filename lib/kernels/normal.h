// The normal distribution far into both tails: logarithms of its distribution function Phi and of
// 1 - Phi, and its quantiles from such a logarithm. Accuracy is tested in
// tests/kernels/normal_test.cpp and stated here.
#pragma once

#include <cmath>
#include <iterator>
#include <numbers>

#include "kernels/vector_math.h"

namespace iflow::kernels {

inline constexpr double kHalfLogTwoPi = 0.91893853320467274178;

using simd::Vec;

// Phi(-t) / phi(t) for t >= 0, off by at most 4 u of itself: (1 + t) times it is a polynomial of
// (t - 5) / (t + 5). (Shepherd, Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x",
// Math. Comp. 36, 1981)
inline Vec<double> mills_ratio(Vec<double> t) {
  constexpr double kTerms[] = {
      0x1.28273b50efa76p+0,   -0x1.d5fd8ffd0f1aap-3,  0x1.3e97eaf5f2f87p-4,
      0x1.9ac85788f58b1p-6,   -0x1.0f103e712ef39p-4,  0x1.f7d96e0d85ca6p-5,
      -0x1.37838b3a20ea3p-5,  0x1.0bd973acc40a7p-6,   -0x1.1355f4909ab39p-8,
      0x1.47ab73fc90055p-16,  0x1.df3ecb4614c01p-12,  -0x1.19cda437ebfdcp-13,
      -0x1.a02c43d08b1aap-16, 0x1.7d010b3c70d15p-16,  -0x1.7aabc20eeba8dp-23,
      -0x1.b7debee1da49ep-19, 0x1.582e3c1549ea5p-22,  0x1.082372888b676p-21,
      -0x1.1afe8a6a10e00p-24, -0x1.4d39d50792f0ep-24, 0x1.386a441084818p-27,
      0x1.7b0f1fc3805e3p-27,  -0x1.84e4459756919p-31, -0x1.06ea87375c5b4p-30};
  const Vec<double> y = (t - 5) / (t + 5);
  return simd::horner<double, std::size(kTerms)>(y, [&](int k) { return kTerms[k]; }) / (1 + t);
}

// ln(1 - q) for 0 <= q <= 1/2, off by a few u of itself.
inline Vec<double> log_one_minus(Vec<double> q) {
  const Vec<double> rest = 1 - q, taken = 1 - rest;  // rest is exact for `taken`
  const simd::IntVec<double> none = taken == 0;
  const Vec<double> safe = simd::select<double>(none, simd::broadcast(1.0), taken);
  return simd::select<double>(none, -q, simd::log<double>(rest) * (q / safe));
}

// ln Phi(t), |t| <= 1e150.
inline Vec<double> log_normal_cdf(Vec<double> t) {
  const Vec<double> a = simd::abs<double>(t), m = mills_ratio(a);
  const Vec<double> log_tail = simd::log<double>(m) - (0.5 * a * a + kHalfLogTwoPi);
  return simd::select<double>(t < 0, log_tail, log_one_minus(simd::exp<double>(log_tail)));
}
inline double log_normal_cdf(double t) { return log_normal_cdf(simd::broadcast(t))[0]; }

// An upper bound of what log_normal_cdf(t) = value is off by: 16 u of itself, and above 0, where it
// is about -e^(-t^2 / 2), what rounding does to that exponent.
inline double log_normal_cdf_error(double t, double value) {
  constexpr double kUnits = 16 * 0x1p-53;
  return kUnits * (t > 0 ? 1 + 0.5 * t * t : 1) * std::fabs(value) + 1e-300;
}

// The z <= 0 with ln Phi(z) = log_p, for -1e300 <= log_p <= ln 1/2 (0 above that), off by at most
// 8 u (1 + |z|). Newton's iteration on ln Phi from Abramowitz, Stegun, "Handbook of Mathematical
// Functions", 26.2.23.
inline Vec<double> lower_quantile(Vec<double> log_p) {
  const Vec<double> squared = -2 * log_p;
  Vec<double> t;
  for (std::size_t l = 0; l < simd::kWidth<double>; ++l) t[l] = std::sqrt(squared[l]);
  Vec<double> s = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                          (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int step = 0; step < 3; ++step) {
    s = simd::select<double>(s > 0, s, Vec<double>{});
    const Vec<double> m = mills_ratio(s);
    s += m * (simd::log<double>(m) - (0.5 * s * s + kHalfLogTwoPi) - log_p);
  }
  return simd::select<double>(s > 0, -s, Vec<double>{});
}

// The z with ln Phi(z) = log_p and ln(1 - Phi(z)) = log_q: from the smaller one, which keeps its
// digits.
inline Vec<double> normal_quantile(Vec<double> log_p, Vec<double> log_q) {
  const simd::IntVec<double> lower = log_p < log_q;
  const Vec<double> z = lower_quantile(simd::select<double>(lower, log_p, log_q));
  return simd::select<double>(lower, z, -z);
}
inline double normal_quantile(double log_p, double log_q) {
  return normal_quantile(simd::broadcast(log_p), simd::broadcast(log_q))[0];
}

}  // namespace iflow::kernels
