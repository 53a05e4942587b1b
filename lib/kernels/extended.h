// Extended precision, for the few rows of which double's rounding leaves too little proved: numbers
// one at a time and functions of the C library, some two hundred times slower than the kernels.
#pragma once

#include <limits>
#include <vector>

#include "kernels/channel_activation.h"

namespace iflow {

// Of 64 significant bits on x86. Where it is no more than double, nothing more is proved with it.
using Extended = long double;

// The unit roundoff to take for bounds: sixteen times the true one, so that functions of the C
// library, which are off by a few ulp, keep what activation_bounds.h says of the kernels.
inline constexpr double kExtendedRoundoff = 8 * std::numeric_limits<Extended>::epsilon();

namespace kernels {

// Phi(z): of as many numbers, concatenated of twice as many. a: the activation's parameter.
std::vector<Extended> extended_activation(ChannelActivation phi, Extended a,
                                          const std::vector<Extended>& z);

}  // namespace kernels
}  // namespace iflow
