// The activation in front of a linear map over channels: element by element, or concatenated.
#pragma once

#include <cstddef>

#include "kernels/activation.h"

namespace iflow {

// `concatenated`: [phi(z), phi(-z)] / 1.004, twice as many channels (kernels/clipswish.h). Only
// LipSwish can be.
struct ChannelActivation {
  Activation kind = Activation::kLipSwish;
  bool concatenated = false;

  std::size_t outputs(std::size_t channels) const { return concatenated ? 2 * channels : channels; }
  // Numbers per lane and pixel in `kept`: phi'; if concatenated, also a sigmoid.
  std::size_t kept(std::size_t channels) const { return concatenated ? 2 * channels : channels; }
};

// An upper bound of the Lipschitz constant of Phi.
double lipschitz_constant(ChannelActivation phi);

namespace kernels {

// The functions of activation.h and clipswish.h for either kind. z: [(1 + D) G][C][kLanes]
// y: [(1 + D) G][outputs(C)][kLanes]  kept: [G][kept(C)][kLanes]

// kept <- what the functions below reuse.
template <class T>
void channel_activation_keep(ChannelActivation phi, T a, const T* z, T* kept, std::size_t channels,
                             std::size_t groups);

// y <- Phi(z) and the tangents; kept as well unless it is null.
template <class T>
void channel_activation_forward(ChannelActivation phi, T a, const T* z, T* y, T* kept,
                                std::size_t channels, std::size_t groups, std::size_t tangents);

// y from `kept`, with the same bits.
template <class T>
void channel_activation_again(ChannelActivation phi, T a, const T* z, const T* kept, T* y,
                              std::size_t channels, std::size_t groups, std::size_t tangents);

// out = Phi'(z) t: t [D G][C][kLanes], out [D G][outputs(C)][kLanes].
template <class T>
void channel_activation_tangents(ChannelActivation phi, const T* kept, const T* t, T* out,
                                 std::size_t channels, std::size_t groups, std::size_t tangents);

// The adjoint dz of z given y and its adjoint dy. Returns the adjoint of a.
template <class T>
T channel_activation_backward(ChannelActivation phi, T a, const T* z, const T* y, const T* kept,
                              const T* dy, T* dz, std::size_t channels, std::size_t groups,
                              std::size_t tangents);

}  // namespace kernels
}  // namespace iflow
