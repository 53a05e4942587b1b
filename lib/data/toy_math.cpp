#include "data/toy_math.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace iflow {

namespace {

// Sum of (z^2/4)^k / k!^2 (Abramowitz, Stegun 9.6.10); all terms are positive.
double bessel_i0_series(double z) {
  double sum = 1;
  double term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= z * z / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

// e^-z I0(z) sqrt(2 pi z) ~ sum of (1 3 5 ... (2k-1))^2 / (k! (8z)^k) (Abramowitz, Stegun 9.7.1).
// The smallest term, near k = 2z, is about e^-2z.
double bessel_i0_asymptotic(double z) {
  double sum = 1;
  double term = 1;
  for (int k = 1; term > 1e-17; ++k) {
    term *= (2 * k - 1) * (2 * k - 1) / (8 * k * z);
    sum += term;
  }
  return sum;
}

// sqrt(pi) z e^(z^2) erfc(z) ~ sum of (-1)^k 1 3 5 ... (2k-1) / (2z^2)^k
// (Abramowitz, Stegun 7.1.23).
double erfc_asymptotic(double z) {
  double sum = 1;
  double term = 1;
  for (int k = 1; k <= 6; ++k) {
    term *= -(2 * k - 1) / (2 * z * z);
    sum += term;
  }
  return sum;
}

// P_n(x) and P_n'(x) by the three-term recurrence; |x| < 1.
struct Legendre {
  double value;
  double slope;
};
Legendre legendre(int n, double x) {
  double previous = 1;
  double current = x;
  for (int k = 2; k <= n; ++k) {
    const double next = ((2 * k - 1) * x * current - (k - 1) * previous) / k;
    previous = current;
    current = next;
  }
  return {current, n * (x * current - previous) / (x * x - 1)};
}

}  // namespace

double scaled_bessel_i0(double z) {
  constexpr double kSwitch = 20;
  if (z < kSwitch) return std::exp(-z) * bessel_i0_series(z);
  return bessel_i0_asymptotic(z) / (std::sqrt(2 * std::numbers::pi) * std::sqrt(z));
}

double scaled_erfc(double z) {
  constexpr double kSwitch = 20;  // erfc(27) underflows; here seven terms are exact to rounding
  if (z < kSwitch) return std::exp(z * z) * std::erfc(z);
  return erfc_asymptotic(z) / (std::sqrt(std::numbers::pi) * z);
}

Quadrature gauss_legendre(const std::vector<double>& edges, int order) {
  Quadrature unit;  // on -1 .. 1
  for (int i = 0; i < order; ++i) {
    double x = -std::cos(std::numbers::pi * (i + 0.75) / (order + 0.5));
    for (int newton = 0; newton < 5; ++newton) {
      const Legendre p = legendre(order, x);
      x -= p.value / p.slope;
    }
    const double slope = legendre(order, x).slope;
    unit.nodes.push_back(x);
    unit.weights.push_back(2 / ((1 - x * x) * slope * slope));
  }
  Quadrature all;
  for (std::size_t j = 0; j + 1 < edges.size(); ++j) {
    const double centre = (edges[j] + edges[j + 1]) / 2;
    const double half = (edges[j + 1] - edges[j]) / 2;
    for (std::size_t i = 0; i < unit.nodes.size(); ++i) {
      all.nodes.push_back(centre + half * unit.nodes[i]);
      all.weights.push_back(half * unit.weights[i]);
    }
  }
  return all;
}

void LogSumExp::add(double term) {
  if (term == -std::numeric_limits<double>::infinity()) return;
  if (empty_ || term > largest_) {
    sum_ = empty_ ? 1 : sum_ * std::exp(largest_ - term) + 1;
    largest_ = term;
    empty_ = false;
  } else {
    sum_ += std::exp(term - largest_);
  }
}

double LogSumExp::value() const {
  return empty_ ? -std::numeric_limits<double>::infinity() : largest_ + std::log(sum_);
}

}  // namespace iflow
