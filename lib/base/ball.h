// Arithmetic with proved errors: a number that is only known to lie within a radius of another one.
// Every operation encloses what it would give exactly for any numbers inside its operands, its own
// rounding included, so that the result of a formula encloses the exact one.
//
// Assumes round-to-nearest, and that the C library's exp, tanh and log1p are off by at most 2 ulp
// (glibc states 1, 2 and 1). Where nothing is known, the radius is infinite or not a number.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rounding.h"

namespace iflow {

struct Ball {
  double mid = 0;
  double rad = 0;

  // The number itself, so that formulas can mix balls and numbers.
  Ball(double exact = 0) : mid(exact) {}  // NOLINT(google-explicit-constructor)
  Ball(double middle, double radius) : mid(middle), rad(radius) {}

  // Upper bounds over what it encloses: of |b|, and of |b - x|.
  double magnitude() const { return up(std::fabs(mid) + rad); }
  double distance_from(double x) const { return up(std::fabs(mid - x) + rad); }

  // Radii are sums and products of a few positive numbers: this covers their own rounding.
  static double up(double radius) { return radius * kUpAfter30; }
  // What rounding does to a result, in units of half an ulp, underflow included.
  static double rounding(double result, double units = 1) {
    return units * kUnitRoundoff<double> * std::fabs(result) + 1e-300;
  }
};

inline Ball operator-(Ball a) { return {-a.mid, a.rad}; }

inline Ball operator+(Ball a, Ball b) {
  const double mid = a.mid + b.mid;
  return {mid, Ball::up(a.rad + b.rad + Ball::rounding(mid))};
}

inline Ball operator-(Ball a, Ball b) { return a + -b; }

inline Ball operator*(Ball a, Ball b) {
  const double mid = a.mid * b.mid;
  return {mid, Ball::up(std::fabs(a.mid) * b.rad + a.rad * (std::fabs(b.mid) + b.rad) +
                        Ball::rounding(mid))};
}

// a' / b' - a / b = ((a' - a) - (a / b) (b' - b)) / b'
inline Ball operator/(Ball a, Ball b) {
  const double mid = a.mid / b.mid, least = std::fabs(b.mid) - b.rad;
  if (!(least > 0)) return {mid, std::numeric_limits<double>::infinity()};
  return {mid, Ball::up((a.rad + std::fabs(mid) * b.rad) / least + Ball::rounding(mid))};
}

// The root of the part of `a` that is not negative.
inline Ball sqrt(Ball a) {
  const double mid = std::sqrt(std::max(a.mid, 0.0));
  const double off = a.mid > a.rad ? a.rad / mid : std::sqrt(std::fabs(a.mid) + a.rad);
  return {mid, Ball::up(off + Ball::rounding(mid))};
}

inline Ball exp(Ball a) {
  const double mid = std::exp(a.mid);
  return {mid, Ball::up(mid * std::expm1(a.rad) * kUpAfter30 + Ball::rounding(mid, 4))};
}

inline Ball tanh(Ball a) {
  const double mid = std::tanh(a.mid);
  return {mid, Ball::up(a.rad + Ball::rounding(mid, 4))};
}

inline Ball sigmoid(Ball a) { return 1 / (1 + exp(-a)); }

// ln(1 + e^a) = max(a, 0) + ln(1 + e^-|a|). No summand is negative, so that relative errors do not
// grow; the slope is at most 1.
inline Ball softplus(Ball a) {
  const double mid = std::max(a.mid, 0.0) + std::log1p(std::exp(-std::fabs(a.mid)));
  return {mid, Ball::up(a.rad + Ball::rounding(mid, 12))};
}

// A ball that encloses both.
inline Ball hull(Ball a, Ball b) {
  const double other = Ball::up(std::fabs(a.mid - b.mid) + b.rad);
  return {a.mid, other <= a.rad ? a.rad : other};
}

}  // namespace iflow
