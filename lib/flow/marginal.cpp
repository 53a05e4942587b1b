#include "flow/marginal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <unsupported/Eigen/SpecialFunctions>

#include "base/error.h"
#include "base/rounding.h"

namespace iflow {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kHalfLogTwoPi = 0.5 * std::log(2 * std::numbers::pi);

double normal_quantile(double p) { return Eigen::numext::ndtri(p); }
double normal_cdf(double t) { return std::erfc(-t / std::numbers::sqrt2) / 2; }

}  // namespace

std::string MarginalConfig::describe() const {
  return "marginal gaussianisation of " + std::to_string(masses.front().size()) + " bins";
}

template <class T>
std::unique_ptr<Layer<T>> MarginalConfig::make(const LayerSite& site) const {
  return std::make_unique<Marginal<T>>(*this, site.dimension);
}

MarginalMap::MarginalMap(const std::vector<double>& masses, double margin)
    : masses_(masses), below_(masses.size()), above_(masses.size()), margin_(margin) {
  if (!(margin > 0 && margin < 0.5)) throw UsageError("marginal: the margin must lie in (0, 1/2)");
  if (masses.empty()) throw UsageError("marginal: there are no masses");
  double sum = 0;
  for (std::size_t k = 0; k < masses.size(); ++k) {
    if (!(masses[k] > 0)) throw UsageError("marginal: a mass must be positive");
    below_[k] = sum;
    sum += masses[k];
  }
  if (!(std::fabs(sum - 1) < 1e-9)) throw UsageError("marginal: the masses must add up to 1");
  for (std::size_t k = masses.size() - 1; k-- > 0;) above_[k] = above_[k + 1] + masses[k + 1];
}

double MarginalMap::nearest_inside(double v) const {
  return std::clamp(v, 0.0, static_cast<double>(masses_.size()));
}

std::size_t MarginalMap::bin_of(double v) const {
  return std::min(static_cast<std::size_t>(v), masses_.size() - 1);
}

// F keeps `margin` from 0 and 1.
double MarginalMap::inner(double probability) const {
  return margin_ + (1 - 2 * margin_) * probability;
}

// From the nearer end of the distribution, whose small probabilities keep their digits.
double MarginalMap::transform(double v) const {
  const std::size_t k = bin_of(v);
  const double within = v - static_cast<double>(k);
  const double below = inner(below_[k] + masses_[k] * within);
  if (below <= 0.5) return normal_quantile(below);
  return -normal_quantile(inner(above_[k] + masses_[k] * (1 - within)));
}

double MarginalMap::log_slope(double v) const {
  const double t = transform(v);
  return std::log((1 - 2 * margin_) * masses_[bin_of(v)]) + t * t / 2 + kHalfLogTwoPi;
}

// d(T^2 / 2)/dv = T dT/dv; F' is constant within a bin.
double MarginalMap::log_slope_derivative(double v) const {
  return transform(v) * std::exp(log_slope(v));
}

double MarginalMap::inverse(double t) const {
  const bool lower = t <= 0;
  const double p = (normal_cdf(lower ? t : -t) - margin_) / (1 - 2 * margin_);
  if (!(p > 0)) return lower ? 0 : static_cast<double>(masses_.size());
  std::size_t k = 0;
  double within = 0;
  if (lower) {
    k = static_cast<std::size_t>(std::upper_bound(below_.begin(), below_.end(), p) -
                                 below_.begin()) -
        1;
    within = (p - below_[k]) / masses_[k];
  } else {  // the first bin that has less than p above it
    k = static_cast<std::size_t>(
        std::partition_point(above_.begin(), above_.end(), [&](double a) { return a > p; }) -
        above_.begin());
    within = 1 - (p - above_[k]) / masses_[k];
  }
  return static_cast<double>(k) + std::clamp(within, 0.0, 1.0);
}

// dv/dt = density(t) / F', the density being largest where t is nearest to 0.
double MarginalMap::inverse_slope_near(double t, double radius) const {
  const std::size_t first = bin_of(inverse(t - radius)), last = bin_of(inverse(t + radius));
  double largest = 0;
  for (std::size_t k = first; k <= last; ++k) {
    const double low = std::max(transform(static_cast<double>(k)), t - radius);
    const double high = std::max(low, std::min(transform(static_cast<double>(k + 1)), t + radius));
    const double nearest = std::clamp(0.0, low, high);
    largest = std::max(largest, std::exp(-nearest * nearest / 2 - kHalfLogTwoPi) / masses_[k]);
  }
  return largest / (1 - 2 * margin_) * kUpAfterThousands;
}

// erfc is taken to be off by 4 ulp, 8 u. Its argument is off by 1.5 u of itself, which moves
// Phi(t) by 1.5 u |t| phi(t) <= u, and sums of at most `bins` masses are off by u each. Divided by
// the mass of a bin that the probability can be in, that is an error of v, which is rounded itself.
double MarginalMap::inverse_rounding(double t) const {
  constexpr double u = kUnitRoundoff<double>;
  const double bins = static_cast<double>(masses_.size());
  const double of_probability = (bins + 16) * u / (1 - 2 * margin_);
  const std::size_t k = bin_of(inverse(t));
  const std::size_t first = k > 0 ? k - 1 : 0, last = std::min(k + 2, masses_.size());
  double smallest = *std::min_element(masses_.data() + first, masses_.data() + last);
  if (of_probability > smallest) smallest = *std::min_element(masses_.begin(), masses_.end());
  return of_probability / smallest + 4 * bins * u;
}

template <class T>
Marginal<T>::Marginal(const MarginalConfig& config, std::size_t dimension) : dimension_(dimension) {
  for (const std::vector<double>& masses : config.masses) {
    channels_.emplace_back(masses, config.margin);
  }
  if (channels_.empty() || dimension % channels_.size() != 0) {
    throw UsageError("marginal: the number of elements is no multiple of that of the channels");
  }
}

template <class T>
Transformed Marginal<T>::forward(const Pass<T>& pass, Var x) const {
  const Var y = pass.tape.variable(x.elements, x.groups);
  const Var log_det = pass.tape.variable(1, x.groups);
  const std::size_t row = x.elements * kLanes;
  for (std::size_t g = 0; g < x.groups; ++g) {
    double log_dets[kLanes] = {};
    for (std::size_t i = 0; i < row; ++i) {
      const MarginalMap& map = channels_[i / kLanes % channels_.size()];
      const double v = pass.tape.value(x)[g * row + i], inside = map.nearest_inside(v);
      pass.tape.value(y)[g * row + i] = static_cast<T>(map.transform(inside));
      log_dets[i % kLanes] += map.contains(v) ? map.log_slope(inside) : -kInfinity;
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      pass.tape.value(log_det)[g * kLanes + l] = static_cast<T>(log_dets[l]);
    }
  }
  pass.tape.on_backward(y, [y, x, this](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const MarginalMap& map = channels_[i / kLanes % channels_.size()];
      dx[i] += static_cast<T>(std::exp(map.log_slope(t.value(x)[i])) * dy[i]);
    }
  });
  pass.tape.on_backward(log_det, [log_det, x, row, this](Tape<T>& t) {
    const T* d_log_det = t.output_adjoint(log_det);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const MarginalMap& map = channels_[i / kLanes % channels_.size()];
      dx[i] += static_cast<T>(map.log_slope_derivative(t.value(x)[i]) *
                              d_log_det[i / row * kLanes + i % kLanes]);
    }
  });
  return {y, log_det};
}

template <class T>
Inverted Marginal<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                              const InverseOptions&) const {
  const Var x = pass.tape.variable(y.elements, y.groups);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const MarginalMap& map = channels_[i / kLanes % channels_.size()];
    pass.tape.value(x)[i] = static_cast<T>(map.inverse(pass.tape.value(y)[i]));
  }
  return {x};
}

template <class T>
double Marginal<T>::inverse_lipschitz(const Certificate&, const T*, const T* y,
                                      double radius) const {
  double largest = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    const MarginalMap& map = channels_[i % channels_.size()];
    largest = std::max(largest, map.inverse_slope_near(y[i * kLanes], radius));
  }
  return largest;
}

template <class T>
double Marginal<T>::inverse_rounding(const Certificate&, const T*, const T* y, const T* x) const {
  double squares = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    const double to_t = kUnitRoundoff<T> * std::fabs(static_cast<double>(x[i * kLanes]));
    const double off = channels_[i % channels_.size()].inverse_rounding(y[i * kLanes]) + to_t;
    squares += off * off;
  }
  return std::sqrt(squares);
}

template class Marginal<float>;
template class Marginal<double>;
template std::unique_ptr<Layer<float>> MarginalConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> MarginalConfig::make(const LayerSite&) const;

}  // namespace iflow
