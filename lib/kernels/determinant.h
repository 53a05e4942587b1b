// ln det and inverse of many small matrices at once, one per lane.
#pragma once

#include <cstddef>

namespace iflow::kernels {

// a: n x n matrices, element (i, j) of every lane at a[(i * n + j) * kLanes]; overwritten.
// log_det: [kLanes] <- ln det a, NaN where a pivot (up to n = 3, the determinant) is not positive.
// inverse: as a, or null; the inverse of every matrix.
// LU without pivoting, for matrices whose symmetric part is positive definite (closed form up to
// n = 3). Every array is aligned to simd::kVectorBytes.
template <class T>
void log_det_and_inverse(T* a, std::size_t n, T* log_det, T* inverse);

}  // namespace iflow::kernels
