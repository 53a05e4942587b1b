#include "mixture/root_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/normal.h"

namespace iflow {

namespace {

constexpr double kUnit = 0x1p-53;
constexpr int kMostDoublings = 64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Of sums and products of a few positive numbers, which are upper bounds themselves.
double up(double bound) { return bound * (1 + 0x1p-40); }

// ln Phi(t), as far down and up as its error allows.
double log_cdf_below(double t) {
  const double value = kernels::log_normal_cdf(t);
  return value - kernels::log_normal_cdf_error(t, value);
}
double log_cdf_above(double t) {
  const double value = kernels::log_normal_cdf(t);
  return value + kernels::log_normal_cdf_error(t, value);
}

// A sum of exponentials by its logarithm.
class LogSum {
 public:
  void add(double term) {
    if (term > top_) {
      sum_ = sum_ * std::exp(top_ - term) + 1;
      top_ = term;
    } else {
      sum_ += std::exp(term - top_);
    }
    ++terms_;
  }
  double value() const { return top_ + std::log(sum_); }
  // What rounding can do to it: each term is a sum of a few numbers of the size of `largest`.
  double rounding(double largest) const {
    return kUnit * (8 * largest + 8 * static_cast<double>(terms_) + 16);
  }

 private:
  double top_ = -std::numeric_limits<double>::max(), sum_ = 0;
  std::size_t terms_ = 0;
};

// The log-odds of Phi(t).
double normal_log_odds_above(double t) { return log_cdf_above(t) - log_cdf_below(-t); }
double normal_log_odds_below(double t) { return log_cdf_below(t) - log_cdf_above(-t); }

}  // namespace

RootBound::RootBound(const LaneMixture& mixture) : mixture_(mixture) {
  for (std::size_t k = 0; k < mixture.components(); ++k) {
    components_.push_back({mixture.log_weight(k), 0, 0, 0, 0});
  }
}

// e_ki is a sum of products R_ij (x_j - mu_kj), each rounded, and added in some order.
void RootBound::look_at() {
  const std::size_t i = x_.size(), d = mixture_.dimension();
  const double terms = 2 * static_cast<double>(i) + 6;
  for (const LaneMixture::Family& family : mixture_.families()) {
    const double* r = family.factor.data() + i * d;
    double before = 0, spread = 0, size = 0;
    for (std::size_t j = 0; j < i; ++j) {
      before += r[j] * x_[j];
      size += std::fabs(r[j] * x_[j]);
      spread += std::fabs(r[j]) * errors_[j];
    }
    for (std::size_t k = family.first; k < family.first + family.count; ++k) {
      double mean_size = 0;
      for (std::size_t j = 0; j <= i; ++j) mean_size += std::fabs(r[j] * mixture_.mean(k)[j]);
      Component& c = components_[k];
      c.scale = r[i];
      c.offset = before - mixture_.white_mean(k)[i];
      c.offset_error = up(spread + terms * kUnit * (size + mean_size));
    }
  }
}

double RootBound::deviate_error(const Component& c, double x) const {
  return up(c.offset_error + 4 * kUnit * (std::fabs(c.scale * x) + std::fabs(c.offset)));
}

RootBound::LogOdds RootBound::log_odds(double x) const {
  LogSum least_lower, most_lower, least_upper, most_upper;
  double largest = 0;
  for (const Component& c : components_) {
    const double e = c.scale * x + c.offset, error = deviate_error(c, x);
    const double low = e - error, high = e + error;
    const double least = c.log_weight - c.weight_error, most = c.log_weight + c.weight_error;
    const double terms[] = {log_cdf_below(low), log_cdf_above(high), log_cdf_below(-high),
                            log_cdf_above(-low)};
    least_lower.add(least + terms[0]);
    most_lower.add(most + terms[1]);
    least_upper.add(least + terms[2]);
    most_upper.add(most + terms[3]);
    // Of terms far below the largest nothing is left to round.
    largest = std::max({largest, std::fabs(c.log_weight) + c.weight_error});
  }
  largest += std::fabs(least_lower.value()) + std::fabs(least_upper.value());
  const double rounding = 2 * least_lower.rounding(largest);
  return {least_lower.value() - most_upper.value() - rounding,
          most_lower.value() - least_upper.value() + rounding};
}

// A first radius: by the slope of the log-odds at x, where there is one; no further than the places
// where all e_k are beyond z, since F is a mean of the Phi(e_k).
double RootBound::first_radius(double x, double z, double error, Wanted wanted) const {
  double reach = 0, least_scale = kInfinity;
  for (const Component& c : components_) {
    const double middle = (z - c.offset) / c.scale;
    reach = std::max(reach, std::fabs(middle - x) + (error + c.offset_error) / c.scale);
    least_scale = std::min(least_scale, c.scale);
  }
  const double aside = std::max(std::fabs(x), 1 / least_scale) * 0x1p-20;
  const LogOdds here = log_odds(x), there = log_odds(x + aside);
  const double slope = (there.lower + there.upper - here.lower - here.upper) / (2 * aside);
  const double missing = std::max({wanted.high - here.lower, here.upper - wanted.low, 0.0});
  const double by_slope = slope > 0 ? 1.25 * missing / slope : kInfinity;
  return std::max(std::min(by_slope, 1.25 * reach), 4 * kUnit * std::fabs(x) + 1e-300);
}

bool RootBound::holds(double x, double radius, Wanted wanted) const {
  return log_odds(x + radius).lower >= wanted.high && log_odds(x - radius).upper <= wanted.low;
}

double RootBound::next(double x, double z, double error) {
  if (!(error < kInfinity)) return kInfinity;
  look_at();
  const Wanted wanted{normal_log_odds_below((z - error) - 2 * kUnit * std::fabs(z - error)),
                      normal_log_odds_above((z + error) + 2 * kUnit * std::fabs(z + error))};
  double radius = first_radius(x, z, error, wanted);
  int doublings = 0;
  while (!holds(x, radius, wanted)) {
    if (++doublings > kMostDoublings) return kInfinity;
    radius *= 2;
  }
  for (int k = 0; doublings == 0 && k < kMostDoublings && holds(x, radius / 2, wanted); ++k) {
    radius /= 2;
  }
  const double bound = up(radius + 2 * kUnit * (std::fabs(x) + radius));
  pass(x, bound);
  return bound;
}

// ln W_k gains ln R_ii - e^2 / 2, e off by its own error and by what x is off.
void RootBound::pass(double x, double bound) {
  for (Component& c : components_) {
    const double e = c.scale * x + c.offset;
    const double error = up(deviate_error(c, x) + c.scale * bound);
    const double gain = std::log(c.scale) - 0.5 * e * e;
    c.weight_error = up(c.weight_error + std::fabs(e) * error + 0.5 * error * error +
                        4 * kUnit * (std::fabs(c.log_weight) + std::fabs(gain) + 0.5 * e * e + 1));
    c.log_weight += gain;
  }
  x_.push_back(x);
  errors_.push_back(bound);
}

}  // namespace iflow
