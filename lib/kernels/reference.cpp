#include "kernels/reference.h"

#include "kernels/simd.h"

namespace iflow::kernels::reference {

template <class T>
void matmul(const MatrixView<T>& w, const T* x, T* y, std::size_t groups, bool accumulate) {
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t m = 0; m < w.rows; ++m) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        T sum = accumulate ? y[(g * w.rows + m) * kLanes + l] : T(0);
        for (std::size_t k = 0; k < w.columns; ++k) {
          sum +=
              w.data[m * w.row_stride + k * w.column_stride] * x[(g * w.columns + k) * kLanes + l];
        }
        y[(g * w.rows + m) * kLanes + l] = sum;
      }
    }
  }
}

template <class T>
void weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                     std::size_t groups) {
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      T sum = 0;
      for (std::size_t g = 0; g < groups; ++g) {
        for (std::size_t l = 0; l < kLanes; ++l) {
          sum += dy[(g * m + i) * kLanes + l] * x[(g * k + j) * kLanes + l];
        }
      }
      dw[i * k + j] += sum;
    }
  }
}

template void matmul(const MatrixView<float>&, const float*, float*, std::size_t, bool);
template void matmul(const MatrixView<double>&, const double*, double*, std::size_t, bool);
template void weight_gradient(const float*, const float*, float*, std::size_t, std::size_t,
                              std::size_t);
template void weight_gradient(const double*, const double*, double*, std::size_t, std::size_t,
                              std::size_t);

}  // namespace iflow::kernels::reference
