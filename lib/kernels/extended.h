// Extended precision, for the few rows whose inverse is not proved in double. It computes one
// number at a time with functions of the C library, some two hundred times slower than the kernels.
#pragma once

#include <limits>
#include <vector>

#include "kernels/channel_activation.h"

namespace iflow {

// 64 significant bits on x86. Where long double is double, it proves nothing more.
using Extended = long double;

// The unit roundoff for bounds: sixteen times the true one. Functions of the C library are off by a
// few ulp; with this roundoff the bounds of activation_bounds.h hold for them too.
inline constexpr double kExtendedRoundoff = 8 * std::numeric_limits<Extended>::epsilon();

namespace kernels {

// Phi(z): as many numbers as z, twice as many if concatenated. a: the activation's parameter.
std::vector<Extended> extended_activation(ChannelActivation phi, Extended a,
                                          const std::vector<Extended>& z);

}  // namespace kernels
}  // namespace iflow
