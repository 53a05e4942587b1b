// Bounds of an activation that hold at every z: of its slope, of how its slope changes, and of the
// rounding error of the computed numbers.
#pragma once

#include "kernels/channel_activation.h"

namespace iflow {

struct ActivationBounds {
  double lipschitz;        // of phi
  double slope_lipschitz;  // of phi'; infinite for relu, whose slope jumps
  double at_zero;          // |phi(0)|
  double largest;          // of |phi|; infinite where there is none
  // The computed phi(z) is off by at most u (rounding + rounding_by_size |z|), phi'(z) by at most
  // u (slope_rounding + slope_rounding_by_size |z|), u the unit roundoff of the numbers computed
  // with, the rounding of the activation's parameter itself included. These follow from the
  // accuracy of sin, exp and sigmoid in ulp, which tests/kernels/vector_math_test.cpp measures.
  double rounding, rounding_by_size;
  double slope_rounding, slope_rounding_by_size;
};

// a: the activation's parameter, 1 where it has none.
ActivationBounds activation_bounds(Activation activation, double a);

// The same of the concatenated activation, as a map from R^n to R^2n: lipschitz and slope_lipschitz
// are those of the pair that an element becomes, the rest are root sums of squares over the pair.
ActivationBounds activation_bounds(ChannelActivation phi, double a);

}  // namespace iflow
