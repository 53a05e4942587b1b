// Proved bounds of the inverses of many small matrices at once, one per lane.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/simd.h"

namespace iflow {

// Upper bounds of ||A^-1||, spectral norms, for the n x n matrices A that are within `errors`
// (Frobenius norm) of a: ||A^-1|| <= ||B|| / (1 - ||I - B A||) for any B, here the computed
// inverses b. Rounding in these products is bounded too; ||B|| comes from the Frobenius norm of
// (B^T B)^8, at most n^(1/32) times too large. Infinite where ||I - B A|| is not below 1.
// a, b: element (i, j) of every lane at [(i * n + j) * kLanes].
template <class T>
std::array<double, kLanes> bound_inverses(const T* a, const T* b, std::size_t n,
                                          const std::array<double, kLanes>& errors);

}  // namespace iflow
