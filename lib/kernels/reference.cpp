#include "kernels/reference.h"

#include <algorithm>

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

namespace {

// Calls f(output element of y, weight, element of x) for every product of one group's convolution,
// elements counted in [H][W][C].
template <class F>
void for_products(const ConvolutionShape& shape, const F& f) {
  const std::size_t pad = shape.side / 2;
  for (std::size_t i = 0; i < shape.height; ++i) {
    for (std::size_t j = 0; j < shape.width; ++j) {
      for (std::size_t o = 0; o < shape.outputs; ++o) {
        for (std::size_t ky = 0; ky < shape.side; ++ky) {
          for (std::size_t kx = 0; kx < shape.side; ++kx) {
            if (i + ky < pad || i + ky - pad >= shape.height) continue;
            if (j + kx < pad || j + kx - pad >= shape.width) continue;
            const std::size_t pixel = (i + ky - pad) * shape.width + j + kx - pad;
            for (std::size_t c = 0; c < shape.inputs; ++c) {
              f((i * shape.width + j) * shape.outputs + o,
                ((o * shape.side + ky) * shape.side + kx) * shape.inputs + c,
                pixel * shape.inputs + c);
            }
          }
        }
      }
    }
  }
}

}  // namespace

template <class T>
void convolve(const ConvolutionShape& shape, const T* w, const T* bias, std::size_t bias_groups,
              const T* x, T* y, std::size_t groups) {
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < shape.pixels() * shape.outputs; ++i) {
      const bool biased = bias != nullptr && g < bias_groups;
      std::fill_n(y + i * kLanes, kLanes, biased ? bias[i % shape.outputs] : T(0));
    }
    for_products(shape, [&](std::size_t to, std::size_t weight, std::size_t from) {
      for (std::size_t l = 0; l < kLanes; ++l)
        y[to * kLanes + l] += w[weight] * x[from * kLanes + l];
    });
    x += shape.pixels() * shape.inputs * kLanes;
    y += shape.pixels() * shape.outputs * kLanes;
  }
}

template <class T>
void convolve_transposed(const ConvolutionShape& shape, const T* w, const T* dy, T* dx,
                         std::size_t groups) {
  for (std::size_t g = 0; g < groups; ++g) {
    std::fill_n(dx, shape.pixels() * shape.inputs * kLanes, T(0));
    for_products(shape, [&](std::size_t to, std::size_t weight, std::size_t from) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        dx[from * kLanes + l] += w[weight] * dy[to * kLanes + l];
      }
    });
    dy += shape.pixels() * shape.outputs * kLanes;
    dx += shape.pixels() * shape.inputs * kLanes;
  }
}

template <class T>
void convolution_weight_gradient(const ConvolutionShape& shape, const T* dy, const T* x, T* dw,
                                 std::size_t groups) {
  for (std::size_t g = 0; g < groups; ++g) {
    for_products(shape, [&](std::size_t to, std::size_t weight, std::size_t from) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        dw[weight] += dy[to * kLanes + l] * x[from * kLanes + l];
      }
    });
    dy += shape.pixels() * shape.outputs * kLanes;
    x += shape.pixels() * shape.inputs * kLanes;
  }
}

#define IFLOW_INSTANTIATE(T)                                                                       \
  template void matmul(const MatrixView<T>&, const T*, T*, std::size_t, bool);                     \
  template void weight_gradient(const T*, const T*, T*, std::size_t, std::size_t, std::size_t);    \
  template void convolve(const ConvolutionShape&, const T*, const T*, std::size_t, const T*, T*,   \
                         std::size_t);                                                             \
  template void convolve_transposed(const ConvolutionShape&, const T*, const T*, T*, std::size_t); \
  template void convolution_weight_gradient(const ConvolutionShape&, const T*, const T*, T*,       \
                                            std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::kernels::reference
