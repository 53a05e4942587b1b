// Where the ticks of an axis go, and what they say.
#pragma once

#include <string>
#include <vector>

#include "report/range.h"

namespace iflow {

struct Tick {
  double value = 0;
  std::string label;
};

// `value` with at most `digits` significant digits, in plain or scientific notation, whichever is
// shorter; the same in every locale.
std::string decimal_text(double value, int digits);

// Ticks in rising order at every multiple within `range` of the smallest step of 1, 2 or 5 times a
// power of ten that gives at most `max_count` (2 or more) of them; there is always at least one.
// The labels of one axis have the same number of decimals, or all read "2.5e6" where values are
// very large or steps very small. A range too short to tell its values apart (shorter than 1e-300,
// or than 1e-13 of them) has a single tick, at range.min.
//
// Throws NumericError unless range.min <= range.max, and both and their difference are finite.
std::vector<Tick> ticks(Range range, int max_count);

}  // namespace iflow
