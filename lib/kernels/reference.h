// The naive twins of the kernels: what they are tested against, written to be read.
#pragma once

#include <cstddef>

#include "kernels/convolution.h"
#include "kernels/matmul.h"

namespace iflow::kernels::reference {

// As kernels::matmul.
template <class T>
void matmul(const MatrixView<T>& w, const T* x, T* y, std::size_t groups, bool accumulate);

// As kernels::weight_gradient.
template <class T>
void weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                     std::size_t groups);

// As kernels::convolve.
template <class T>
void convolve(const ConvolutionShape& shape, const T* w, const T* bias, std::size_t bias_groups,
              const T* x, T* y, std::size_t groups);

// As kernels::convolve_transposed.
template <class T>
void convolve_transposed(const ConvolutionShape& shape, const T* w, const T* dy, T* dx,
                         std::size_t groups);

// As kernels::convolution_weight_gradient.
template <class T>
void convolution_weight_gradient(const ConvolutionShape& shape, const T* dy, const T* x, T* dw,
                                 std::size_t groups);

}  // namespace iflow::kernels::reference
