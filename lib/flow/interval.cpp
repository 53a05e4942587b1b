#include "flow/interval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/rounding.h"

namespace iflow {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

std::string IntervalConfig::describe() const {
  return "bounds of " + std::to_string(columns.size()) +
         (columns.size() == 1 ? " column" : " columns");
}

template <class T>
std::unique_ptr<Layer<T>> IntervalConfig::make(const LayerSite& site) const {
  return std::make_unique<Interval<T>>(*this, site.dimension);
}

IntervalMap::IntervalMap(const ColumnInterval& interval, double alpha)
    : column_(interval.column),
      two_sided_(interval.lower && interval.upper),
      from_above_(interval.upper && !interval.lower),
      lower_(interval.lower.value_or(-kInfinity)),
      upper_(interval.upper.value_or(kInfinity)),
      alpha_(alpha),
      scale_(two_sided_ ? upper_ - lower_ : interval.scale) {
  if (!interval.lower && !interval.upper) throw UsageError("bounds: a column needs a bound or two");
  if (!(scale_ > 0 && std::isfinite(scale_))) {
    throw UsageError(two_sided_ ? "bounds: the lower one must lie below the upper one"
                                : "bounds: the scale must be positive");
  }
  if (!(alpha > 0 && alpha < 0.5)) throw UsageError("bounds: alpha must lie between 0 and 1/2");
}

IntervalMap::Position IntervalMap::position(double x) const {
  if (two_sided_) {
    return {alpha_ + (1 - 2 * alpha_) * ((x - lower_) / scale_),
            alpha_ + (1 - 2 * alpha_) * ((upper_ - x) / scale_)};
  }
  return {alpha_ + (from_above_ ? upper_ - x : x - lower_) / scale_, 1};
}

double IntervalMap::transform(double x) const {
  const Position p = position(x);
  const double y = std::log(p.s) - std::log(p.rest);
  return from_above_ ? -y : y;
}

double IntervalMap::log_slope(double x) const {
  const Position p = position(x);
  const double stretch = two_sided_ ? std::log1p(-2 * alpha_) : 0;
  return stretch - std::log(scale_) - std::log(p.s) - std::log(p.rest);
}

double IntervalMap::log_slope_derivative(double x) const {
  const Position p = position(x);
  if (two_sided_) return (1 - 2 * alpha_) / scale_ * (1 / p.rest - 1 / p.s);
  return (from_above_ ? 1 : -1) / (scale_ * p.s);
}

double IntervalMap::inverse(double y) const {
  if (two_sided_) {
    // From the nearer end, whose distance is the more accurate.
    const double near = 1 / (1 + std::exp(std::fabs(y)));
    const double distance = scale_ * std::max((near - alpha_) / (1 - 2 * alpha_), 0.0);
    return std::clamp(y < 0 ? lower_ + distance : upper_ - distance, lower_, upper_);
  }
  const double distance = scale_ * std::max(std::exp(from_above_ ? -y : y) - alpha_, 0.0);
  return from_above_ ? upper_ - distance : lower_ + distance;
}

double IntervalMap::inverse_slope_near(double y, double radius) const {
  if (two_sided_) {
    // s (1 - s) falls away from the middle.
    const double e = std::exp(-std::max(std::fabs(y) - radius, 0.0));
    return scale_ / (1 - 2 * alpha_) * e / ((1 + e) * (1 + e)) * kUpAfter126;
  }
  return scale_ * std::exp((from_above_ ? -y : y) + radius) * kUpAfter126;
}

// e^|y| and e^y are off by an ulp, 2 u; what is done to them adds 1 u an operation, and the unit
// `scale` is off by u itself.
double IntervalMap::inverse_rounding(double y, double x) const {
  if (two_sided_) {
    const double near = 1 / (1 + std::exp(std::fabs(y)));
    return 16 * scale_ * near / (1 - 2 * alpha_) + 3 * std::fabs(x);
  }
  return 8 * scale_ * std::exp(from_above_ ? -y : y) + 3 * std::fabs(x);
}

template <class T>
Interval<T>::Interval(const IntervalConfig& config, std::size_t dimension) : dimension_(dimension) {
  std::set<std::size_t> seen;
  for (const ColumnInterval& interval : config.columns) {
    if (interval.column >= dimension) throw UsageError("bounds: no such column");
    if (!seen.insert(interval.column).second) throw UsageError("bounds: a column has them twice");
    columns_.emplace_back(interval, config.alpha);
  }
}

template <class T>
Transformed Interval<T>::forward(const Pass<T>& pass, Var x) const {
  const Var y = pass.tape.variable(x.elements, x.groups);
  std::copy_n(pass.tape.value(x), x.size(), pass.tape.value(y));
  const Var log_det = pass.tape.variable(1, x.groups);
  std::fill_n(pass.tape.value(log_det), log_det.size(), T(0));
  for (std::size_t g = 0; g < x.groups; ++g) {
    T* log_dets = pass.tape.value(log_det) + g * kLanes;
    for (const IntervalMap& column : columns_) {
      T* ys = pass.tape.value(y) + (g * x.elements + column.column()) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) {
        const double at = ys[l];
        ys[l] = static_cast<T>(column.transform(column.nearest_inside(at)));
        log_dets[l] += static_cast<T>(column.contains(at) ? column.log_slope(at) : -kInfinity);
      }
    }
  }
  pass.tape.on_backward(y, [y, x, this](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    const T* xs = t.value(x);
    T* dx = t.adjoint_to_add(x);
    std::vector<const IntervalMap*> maps(dimension_, nullptr);
    for (const IntervalMap& column : columns_) maps[column.column()] = &column;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const IntervalMap* column = maps[i / kLanes % x.elements];
      dx[i] += column ? static_cast<T>(std::exp(column->log_slope(xs[i])) * dy[i]) : dy[i];
    }
  });
  pass.tape.on_backward(log_det, [log_det, x, this](Tape<T>& t) {
    const T* d_log_det = t.output_adjoint(log_det);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t g = 0; g < x.groups; ++g) {
      for (const IntervalMap& column : columns_) {
        const std::size_t first = (g * x.elements + column.column()) * kLanes;
        for (std::size_t l = 0; l < kLanes; ++l) {
          dx[first + l] += static_cast<T>(column.log_slope_derivative(t.value(x)[first + l]) *
                                          d_log_det[g * kLanes + l]);
        }
      }
    }
  });
  return {y, log_det};
}

template <class T>
Inverted Interval<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                              const InverseOptions&) const {
  const Var x = pass.tape.variable(y.elements, y.groups);
  std::copy_n(pass.tape.value(y), y.size(), pass.tape.value(x));
  for (std::size_t g = 0; g < y.groups; ++g) {
    for (const IntervalMap& column : columns_) {
      T* xs = pass.tape.value(x) + (g * y.elements + column.column()) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) xs[l] = static_cast<T>(column.inverse(xs[l]));
    }
  }
  return {x};
}

template <class T>
double Interval<T>::inverse_lipschitz(const Certificate&, const T*, const T* y,
                                      double radius) const {
  double largest = columns_.size() < dimension_ ? 1 : 0;
  for (const IntervalMap& column : columns_) {
    largest = std::max(largest, column.inverse_slope_near(y[column.column() * kLanes], radius));
  }
  return largest;
}

template <class T>
double Interval<T>::inverse_rounding(const Certificate&, const T*, const T* y, const T* x) const {
  double squares = 0;
  for (const IntervalMap& column : columns_) {
    const std::size_t at = column.column() * kLanes;
    const double off = column.inverse_rounding(y[at], x[at]);
    squares += off * off;
  }
  return kUnitRoundoff<T> * std::sqrt(squares);
}

template class Interval<float>;
template class Interval<double>;
template std::unique_ptr<Layer<float>> IntervalConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> IntervalConfig::make(const LayerSite&) const;

}  // namespace iflow
