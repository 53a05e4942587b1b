// The spectral norm of a convolution as the linear operator that it is on images of its size with
// its zero padding, not of the reshaped kernel: the estimate from below that training follows and
// the bound from above that a proof needs. (lib/MATHS.md, section 1)
//
// Images are [height][width][channels]; a kernel is (outputs, side side inputs), columns
// [ky][kx][input], as kernels/convolution.h has it.
#pragma once

#include <span>
#include <vector>

#include "kernels/convolution.h"

namespace iflow {

// The convolution A of one image, and its transpose.
template <class T>
class ConvolutionOperator {
 public:
  // The kernel must outlive the operator.
  ConvolutionOperator(const kernels::ConvolutionShape& shape, const T* kernel)
      : shape_(shape), kernel_(kernel) {}

  std::size_t inputs() const;   // numbers in an image that A takes
  std::size_t outputs() const;  // and in one that it yields

  // y = A x and x = A^T y. x: (inputs())  y: (outputs())
  void apply(const T* x, T* y) const;
  void apply_transposed(const T* y, T* x) const;

 private:
  kernels::ConvolutionShape shape_;
  const T* kernel_;
};

// direction[i] = d(u^T A v) / d(kernel[i]), with which u^T A v = <direction, kernel>.
// u: (outputs)  v: (inputs)  direction: like the kernel
void convolution_direction(const kernels::ConvolutionShape& shape, const float* u, const float* v,
                           float* direction);

// An upper bound of the spectral norm of A: a t with t^2 I - Gram shown to be positive definite by
// its block-banded Cholesky factorisation, on the smaller side of A, where that is affordable (28 x
// 28 x 8, 16 x 16 x 16); else the maximum of the symbol's norm over a grid of frequencies, raised
// by what can lie between them. Rounding is included. Infinite for a kernel that is not finite.
double proved_convolution_norm(const kernels::ConvolutionShape& shape, const double* kernel);

// The second of these bounds for itself. The zero-padded operator is a compression of the
// convolution of the infinite plane, whose norm is the largest singular value of the symbol, a
// trigonometric polynomial.
double symbol_bound(const kernels::ConvolutionShape& shape, const double* kernel);

}  // namespace iflow
