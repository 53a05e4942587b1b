#include "model/normality.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace iflow {

namespace {

// Phi
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double ks_distance_to_normal(std::vector<double>& x) {
  std::sort(x.begin(), x.end());
  const double n = static_cast<double>(x.size());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = normal_cdf(x[i]), below = static_cast<double>(i) / n;
    distance = std::max({distance, p - below, below + 1 / n - p});
  }
  return distance;
}

}  // namespace

Normality normality(std::vector<double> x) {
  const double n = static_cast<double>(x.size());
  double mean = 0;
  for (const double xi : x) mean += xi / n;
  double m2 = 0, m3 = 0, m4 = 0;
  for (const double xi : x) {
    const double r = xi - mean, r2 = r * r;
    m2 += r2 / n;
    m3 += r2 * r / n;
    m4 += r2 * r2 / n;
  }
  constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
  const bool has_spread = x.size() > 1 && m2 > 0;
  return {.mean = mean,
          .deviation = x.size() > 1 ? std::sqrt(m2 * n / (n - 1)) : kUndefined,
          .skewness = has_spread ? m3 / (m2 * std::sqrt(m2)) : kUndefined,
          .excess_kurtosis = has_spread ? m4 / (m2 * m2) - 3 : kUndefined,
          .ks_distance = ks_distance_to_normal(x)};
}

double ks_critical(double n) {
  const double root = std::sqrt(n);
  return 1.358 / (root + 0.12 + 0.11 / root);
}

}  // namespace iflow
