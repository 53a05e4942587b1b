// How far numbers may be off in tests, in one place. A test that needs other numbers overrides them
// and says why.
#pragma once

#include <cmath>

namespace iflow {

// |got - expected| <= relative max(|got|, |expected|) + absolute.
struct Tolerance {
  double relative;
  double absolute;

  bool holds(double got, double expected) const {
    const double scale = std::fmax(std::fabs(got), std::fabs(expected));
    return std::fabs(got - expected) <= relative * scale + absolute;
  }
};

// The same sum in double, its terms of order one, taken in another order.
inline constexpr Tolerance kRounding{1e-13, 1e-13};

// Gradients against central differences of four points: their error is of the order of
// step^4 times the fifth derivative plus 1e-16 / step.
struct GradientTolerances {
  double step = 3e-4;
  Tolerance tolerance{1e-7, 1e-8};
};

}  // namespace iflow
