// CLipSwish, the concatenated activation of invertible DenseNets: Phi(z) = [phi(z), phi(-z)] / k
// with phi = LipSwish, k = 1.004. (Perugachi-Diaz, Tomczak, Bhulai, "Invertible DenseNets with
// Concatenated LipSwish", NeurIPS 2021, section 3.2)
//
// Since sigmoid(-az) = 1 - sigmoid(az), phi(-z) = phi(z) - z / 1.1: one sigmoid serves both halves.
// So do its derivatives: the second half's phi' is the first's less 1 / 1.1, and phi'' is the same.
//
// Tensors of values and tangents as in activation.h: z is [(1 + D) G][C][kLanes], the result
// [(1 + D) G][2 C][kLanes]. For images every pixel is a group of its own.
#pragma once

#include <cstddef>

namespace iflow::kernels {

// The Lipschitz constant of [phi(z), phi(-z)] is below this. (Perugachi-Diaz et al., appendix D)
inline constexpr double kClipSwishLipschitz = 1.004;

// y = Phi(z) and, for each tangent, Phi'(z) t. Keeps phi'(z) / k, [G][C][kLanes], unless `first` is
// null.
template <class T>
void clipswish_forward(T a, const T* z, T* y, T* first, std::size_t channels, std::size_t groups,
                       std::size_t tangents);

// out = Phi'(z) t given phi'(z) / k: t [D G][C][kLanes], out [D G][2 C][kLanes].
template <class T>
void clipswish_tangents(const T* first, const T* t, T* out, std::size_t channels,
                        std::size_t groups, std::size_t tangents);

// The adjoint dz of z given the adjoint dy of y; dz is overwritten. Returns the adjoint of a.
template <class T>
T clipswish_backward(T a, const T* z, const T* dy, T* dz, std::size_t channels, std::size_t groups,
                     std::size_t tangents);

}  // namespace iflow::kernels
