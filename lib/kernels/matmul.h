// Products of a small weight matrix with lanes of rows: the hot loops of the program.
//
// Sizes: M outputs, K inputs, G groups of kLanes rows. Tensors are [G][elements][kLanes] (simd.h),
// aligned to simd::kVectorBytes.
#pragma once

#include <cstddef>

namespace iflow::kernels {

// A strided view of a weight matrix: element (m, k) stands at data[m * row_stride + k *
// column_stride]. A transpose is a view as well.
template <class T>
struct MatrixView {
  const T* data;
  std::size_t rows, columns;
  std::size_t row_stride, column_stride;

  MatrixView transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

// Row-major rows x columns.
template <class T>
MatrixView<T> row_major(const T* data, std::size_t rows, std::size_t columns) {
  return {data, rows, columns, columns, 1};
}

// y[g] = w x[g] for every group, or y[g] += w x[g] when `accumulate`.
// w: (M, K)  x: [G][K][kLanes]  y: [G][M][kLanes]
template <class T>
void matmul(const MatrixView<T>& w, const T* x, T* y, std::size_t groups, bool accumulate);

// y[g] = w x[g], plus the bias in every row of the first `bias_groups` groups.
// bias: (M)
template <class T>
void matmul_with_bias(const MatrixView<T>& w, const T* bias, std::size_t bias_groups, const T* x,
                      T* y, std::size_t groups);

// dw += sum over groups and lanes of dy x^T: the gradient of a weight that `matmul` used.
// dy: [G][M][kLanes]  x: [G][K][kLanes]  dw: (M, K) row-major
template <class T>
void weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                     std::size_t groups);

// The same for inputs whose tangents are the K unit vectors: dw += dy x^T, and column j of dw +=
// the sum over groups and lanes of dy_j. dy holds the adjoints of the values and then those dy_j of
// each tangent j. dy: [(1 + K) G][M][kLanes]  x: [G][K][kLanes]  dw: (M, K)
template <class T>
void weight_gradient_of_unit_tangents(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                                      std::size_t groups);

// db += sum over groups and lanes of dy: the gradient of the bias.
// dy: [G][M][kLanes]  db: (M)
template <class T>
void add_bias_gradient(const T* dy, T* db, std::size_t m, std::size_t groups);

}  // namespace iflow::kernels
