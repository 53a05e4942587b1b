// Convolutions of lanes of images: the hot loops of models of images.
//
// An image tensor is [G][H][W][C][kLanes] (simd.h), aligned to simd::kVectorBytes: G groups of
// kLanes images, which do not mix. Weights are row-major (outputs) x (side * side * inputs), the
// columns in the order [ky][kx][input]. The padding is zero, the stride is 1, and the
// output is as large as the input:
//
//   y[i][j][o] = sum over ky, kx, c of w[o][ky][kx][c] x[i + ky - side / 2][j + kx - side / 2][c]
//
// With a side of 1 it is a matrix product with pixels as groups, which matmul.h does.
#pragma once

#include <cstddef>

namespace iflow::kernels {

struct ConvolutionShape {
  std::size_t height, width;
  std::size_t inputs, outputs;  // channels
  std::size_t side;             // of the kernel; odd

  std::size_t pixels() const { return height * width; }
  std::size_t taps() const { return side * side; }
  std::size_t columns() const { return taps() * inputs; }
  // Multiplications per image, without those by the padding.
  std::size_t products() const { return met(height) * met(width) * inputs * outputs; }

 private:
  // Along a side of the image: the pairs of a pixel and a tap that reads no padding.
  std::size_t met(std::size_t length) const {
    std::size_t pairs = length;
    for (std::size_t d = 1; d <= side / 2 && d < length; ++d) pairs += 2 * (length - d);
    return pairs;
  }
};

// y[g] = w * x[g], plus the bias (outputs) in every image of the first `bias_groups` groups. The
// other groups are tangents, which have no bias. bias may be null: none.
// w: (outputs, columns)  x: [G][H][W][inputs][kLanes]  y: [G][H][W][outputs][kLanes]
template <class T>
void convolve(const ConvolutionShape& shape, const T* w, const T* bias, std::size_t bias_groups,
              const T* x, T* y, std::size_t groups);

// dx[g] = the adjoint of convolve without bias, applied to dy[g]: the gradient of x.
// dy: [G][H][W][outputs][kLanes]  dx: [G][H][W][inputs][kLanes], overwritten
template <class T>
void convolve_transposed(const ConvolutionShape& shape, const T* w, const T* dy, T* dx,
                         std::size_t groups);

// dw += the gradient of w: sum over groups, lanes and pixels of dy x^T, x shifted by each tap.
// dy: [G][H][W][outputs][kLanes]  x: [G][H][W][inputs][kLanes]  dw: (outputs, columns)
template <class T>
void convolution_weight_gradient(const ConvolutionShape& shape, const T* dy, const T* x, T* dw,
                                 std::size_t groups);

}  // namespace iflow::kernels
