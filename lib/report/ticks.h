// Ranges of data, where the ticks of an axis go, and what they say.
#pragma once

#include <string>
#include <vector>

namespace iflow {

// A closed interval in data units.
struct Range {
  double min = 0;
  double max = 1;

  double span() const { return max - min; }
};

struct Tick {
  double value = 0;
  std::string label;
};

// Ticks in rising order at every multiple within `range` of the smallest step of 1, 2 or 5 times a
// power of ten that gives at most `max_count` of them. There is always at least one. Labels of one
// axis have the same number of decimals; very large and very small values read "2.5e6". A range
// shorter than 1e-300 has a single tick, at range.min.
//
// Throws NumericError unless range.min <= range.max, and both and their difference are finite;
// max_count must be 2 or more.
std::vector<Tick> ticks(Range range, int max_count);

// The range of `values` without their outliers: from the 0.5 % to the 99.5 % quantile, widened at
// both ends by `margin` times that length. Equal values v give a range of length 1 around v (or of
// |v| / 1000 if that is more), no values one around 0.
//
// Throws NumericError when a value is not finite.
Range robust_range(std::vector<double> values, double margin);

}  // namespace iflow
