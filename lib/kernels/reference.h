// The naive twins of the kernels: what they are tested against, written to be read.
#pragma once

#include <cstddef>

#include "kernels/matmul.h"

namespace iflow::kernels::reference {

// As kernels::matmul.
template <class T>
void matmul(const MatrixView<T>& w, const T* x, T* y, std::size_t groups, bool accumulate);

// As kernels::weight_gradient.
template <class T>
void weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                     std::size_t groups);

}  // namespace iflow::kernels::reference
