// Columns that are known to lie in an interval, stretched over the whole line: the logit of where a
// number lies between two ends, the logarithm of its distance from one. Both start a little off the
// end, at alpha, so that numbers on the end itself have an image. (lib/MATHS.md, section 4)
//
// The image of an interval is not the whole line but stops where its ends go, about 14 from the
// middle: what a flow puts beyond has no row of its own and is inverted to the end. The density of
// the rows in the interval lacks that mass.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "flow/layer_config.h"

namespace iflow {

// The interval of a column, of one end or two. Where both are given, lower < upper.
struct ColumnInterval {
  std::size_t column = 0;
  std::optional<double> lower, upper;
  // > 0; the unit in which the distance from a single end is measured. Between two ends it is their
  // distance.
  double scale = 1;

  static void fields(auto& f, auto& c) {
    f("column", c.column);
    if (f.has("lower", c.lower.has_value())) f("lower", c.lower);
    if (f.has("upper", c.upper.has_value())) f("upper", c.upper);
    if (!(c.lower && c.upper)) f("scale", c.scale);
  }
};

struct IntervalConfig {
  std::vector<ColumnInterval> columns;  // each at most once
  double alpha = 1e-6;                  // 0 < alpha < 1/2

  static constexpr const char* kKind = "bounds";
  static void fields(auto& f, auto& c) {
    f("alpha", c.alpha);
    f("columns", c.columns);
  }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

// What the layer does to one column.
class IntervalMap {
 public:
  // Throws UsageError for an interval or an alpha that makes no sense.
  IntervalMap(const ColumnInterval& interval, double alpha);

  std::size_t column() const { return column_; }
  // Whether the density of x can be other than zero; the ends belong to the interval.
  bool contains(double x) const { return x >= lower_ && x <= upper_; }

  double nearest_inside(double x) const { return x < lower_ ? lower_ : x > upper_ ? upper_ : x; }

  // Of x in the interval: y, ln dy/dx and the derivative of that.
  double transform(double x) const;
  double log_slope(double x) const;
  double log_slope_derivative(double x) const;
  // The x that is transformed to y, or the end nearest to it.
  double inverse(double y) const;
  // An upper bound of dx/dy within `radius` of y.
  double inverse_slope_near(double y, double radius) const;
  // An upper bound, in units of the roundoff, of what the computed x = inverse(y) is off by.
  double inverse_rounding(double y, double x) const;

 private:
  // s and 1 - s between two ends; alpha plus the scaled distance from a single one.
  struct Position {
    double s, rest;
  };
  Position position(double x) const;

  std::size_t column_;
  bool two_sided_, from_above_;  // from_above_: a single end, x lies below it
  double lower_, upper_;
  double alpha_, scale_;
};

template <class T>
class Interval final : public Layer<T> {
 public:
  // Throws UsageError for intervals that make no sense.
  Interval(const IntervalConfig& config, std::size_t dimension);

  // A row outside an interval is taken to the end, with ln |det| = -inf: its density is zero.
  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  // Within an infinite radius infinite with an interval of a single end.
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  double inverse_rounding(const Certificate& certificate, const T* values, const T* y,
                          const T* x) const override;

 private:
  std::size_t dimension_;
  std::vector<IntervalMap> columns_;
};

extern template class Interval<float>;
extern template class Interval<double>;

}  // namespace iflow
