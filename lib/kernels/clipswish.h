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

// kept <- what later passes reuse in place of another sigmoid: [G][2 C][kLanes], in every group
// phi'(z) / k and then sigmoid(a z).
template <class T>
void clipswish_keep(T a, const T* z, T* kept, std::size_t channels, std::size_t groups);

// y = Phi(z) and, for each tangent, Phi'(z) t. Keeps what clipswish_keep does unless `kept` is
// null.
template <class T>
void clipswish_forward(T a, const T* z, T* y, T* kept, std::size_t channels, std::size_t groups,
                       std::size_t tangents);

// The same from `kept`, with the same bits.
template <class T>
void clipswish_again(const T* z, const T* kept, T* y, std::size_t channels, std::size_t groups,
                     std::size_t tangents);

// out = Phi'(z) t: t [D G][C][kLanes], out [D G][2 C][kLanes].
template <class T>
void clipswish_tangents(const T* kept, const T* t, T* out, std::size_t channels, std::size_t groups,
                        std::size_t tangents);

// The adjoint dz of z given the adjoint dy of y; dz is overwritten. Returns the adjoint of a.
template <class T>
T clipswish_backward(T a, const T* z, const T* kept, const T* dy, T* dz, std::size_t channels,
                     std::size_t groups, std::size_t tangents);

}  // namespace iflow::kernels
