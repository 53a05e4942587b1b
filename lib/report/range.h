// Ranges of data to show.
#pragma once

#include <vector>

namespace iflow {

// A closed interval in data units.
struct Range {
  double min = 0;
  double max = 1;

  double span() const { return max - min; }
};

// `range` with `margin` times its length added at either end. A range that is, but for rounding, a
// single value v becomes one of length 1 around v, or of |v| / 1000 if that is more.
Range widened(Range range, double margin);

// The range of `values` without their outliers: from the 0.5 % to the 99.5 % quantile, widened by
// `margin`. No values count as a single 0. Throws NumericError when a value is not finite.
Range robust_range(std::vector<double> values, double margin);

}  // namespace iflow
