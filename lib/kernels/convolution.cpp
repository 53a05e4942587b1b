#include "kernels/convolution.h"

#include <utility>

#include "kernels/matmul.h"
#include "kernels/simd.h"

namespace iflow::kernels {

namespace {

using simd::broadcast;
using simd::broadcast_for;
using simd::hold;
using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

// A register tile is kOutputs channels of up to kPixels pixels side by side in a row of the image:
// an accumulator each, and registers left that feed them.
constexpr std::size_t kOutputs = simd::kRegisters == 32 ? 4 : 2;
constexpr std::size_t kPixels = (simd::kRegisters - 4) / kOutputs;

// What a tile sums: both convolve and convolve_transposed are such sums over the taps and `inputs`
// channels of x, the taps in the order of the pixels that they read.
//   weight of output m, tap t, input k: w[m * row_stride + t * tap_stride + k * stride]
template <class T>
struct TapSum {
  std::size_t height, width, side, inputs, outputs;
  const T* w;
  std::ptrdiff_t row_stride, tap_stride, stride;
  const T* bias;
  const T* x;
  T* y;

  std::size_t pad() const { return side / 2; }
};

// The place of a tile: its first pixel and first output.
struct Place {
  std::size_t row, column, output;
};

// Adds a tap to the tile's pixels kFirst .. kLast - 1; x is what it reads for the first of these.
// Where the accumulators leave no room for a pixel and all weights, the last weight is read for
// every pixel.
template <class T, std::size_t kFirst, std::size_t kLast, std::size_t kRows, std::size_t kColumns>
[[gnu::always_inline]] inline void add_tap(const TapSum<T>& sum, const T* w, const T* x,
                                           Vec<T> (&acc)[kRows][kColumns]) {
  constexpr std::size_t kNeeded = kRows * kColumns + kRows + 1;
  constexpr std::size_t kHeld = kNeeded > simd::kRegisters ? kRows - 1 : kRows;
  const std::size_t pixel_stride = sum.inputs * kLanes;
  const std::ptrdiff_t row_stride = sum.row_stride, stride = sum.stride;
  for (std::size_t k = sum.inputs; k > 0; --k) {
    Vec<T> factor[kRows];
#pragma GCC unroll 32
    for (std::size_t r = 0; r < kHeld; ++r) {
      factor[r] = broadcast(w[static_cast<std::ptrdiff_t>(r) * row_stride]);
    }
#pragma GCC unroll 32
    for (std::size_t c = kFirst; c < kLast; ++c) {
      Vec<T> pixel = load(x + (c - kFirst) * pixel_stride);
      hold<T>(pixel);
#pragma GCC unroll 32
      for (std::size_t r = 0; r < kRows; ++r) {
        if (r == kHeld) {
          factor[r] = broadcast_for(pixel, w + static_cast<std::ptrdiff_t>(r) * row_stride);
        }
        acc[r][c] += factor[r] * pixel;
      }
    }
    w += stride;
    x += kLanes;
  }
}

// One tile of one group, in the lanes that the pointers begin with: kRows outputs of kColumns
// pixels. There is no padding in memory: the tile skips products with pixels outside the image.
template <class T, std::size_t kRows, std::size_t kColumns>
[[gnu::always_inline]] inline void tile(const TapSum<T>& sum, const Place& at, const T* bias,
                                        const T* x, T* y) {
  Vec<T> acc[kRows][kColumns];
#pragma GCC unroll 32
  for (std::size_t r = 0; r < kRows; ++r) {
    const Vec<T> start = broadcast(bias != nullptr ? bias[at.output + r] : T(0));
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) acc[r][c] = start;
  }
  const std::size_t pad = sum.pad();
  const T* w = sum.w + static_cast<std::ptrdiff_t>(at.output) * sum.row_stride;
  for (std::size_t ky = 0; ky < sum.side; ++ky) {
    if (at.row + ky < pad || at.row + ky - pad >= sum.height) continue;
    const T* x_row = x + (at.row + ky - pad) * sum.width * sum.inputs * kLanes;
    for (std::size_t kx = 0; kx < sum.side; ++kx) {
      const T* w_tap = w + static_cast<std::ptrdiff_t>(ky * sum.side + kx) * sum.tap_stride;
      // The pixels that it reads: from `first` - pad on, kColumns of them.
      const std::size_t first = at.column + kx;
      if (first >= pad && first - pad + kColumns <= sum.width) {
        add_tap<T, 0, kColumns>(sum, w_tap, x_row + (first - pad) * sum.inputs * kLanes, acc);
      } else if constexpr (kColumns > 1) {
        if (first + 1 == pad) {
          add_tap<T, 1, kColumns>(sum, w_tap, x_row, acc);
        } else if (first - pad + kColumns == sum.width + 1) {
          add_tap<T, 0, kColumns - 1>(sum, w_tap, x_row + (first - pad) * sum.inputs * kLanes, acc);
        }
      }
    }
  }
  y += ((at.row * sum.width + at.column) * sum.outputs + at.output) * kLanes;
#pragma GCC unroll 32
  for (std::size_t c = 0; c < kColumns; ++c) {
#pragma GCC unroll 32
    for (std::size_t r = 0; r < kRows; ++r) store(y + (c * sum.outputs + r) * kLanes, acc[r][c]);
  }
}

// All outputs of kColumns pixels from a place on.
template <class T, std::size_t kColumns>
void tiles(const TapSum<T>& sum, Place at, const T* bias, const T* x, T* y) {
  const auto outputs = [&]<std::size_t kRows>() {
    for (; at.output + kRows <= sum.outputs; at.output += kRows) {
      for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
        tile<T, kRows, kColumns>(sum, at, bias, x + l, y + l);
      }
    }
  };
  if constexpr (kOutputs >= 4) outputs.template operator()<4>();
  outputs.template operator()<2>();
  outputs.template operator()<1>();
}

// The same, the number of pixels (1 .. kPixels) known only now.
template <class T, std::size_t... kLess>
void tiles(std::size_t pixels, const TapSum<T>& sum, const Place& at, const T* bias, const T* x,
           T* y, std::index_sequence<kLess...>) {
  (void)((pixels == kLess + 1 && (tiles<T, kLess + 1>(sum, at, bias, x, y), true)) || ...);
}

// A row of the image is cut into the fewest tiles, as even as can be: a narrow one hides less of
// the latency of the multiply-add. A tile leaves out one pixel of a tap or all; with taps further
// away than one pixel, it has no more than two.
template <class T>
void sum_taps(const TapSum<T>& sum, std::size_t bias_groups, std::size_t groups) {
  const std::size_t widest = sum.pad() > 1 ? 2 : kPixels;
  const std::size_t count = (sum.width + widest - 1) / widest;
  for (std::size_t g = 0; g < groups; ++g) {
    const T* bias = g < bias_groups ? sum.bias : nullptr;
    const T* x = sum.x + g * sum.height * sum.width * sum.inputs * kLanes;
    T* y = sum.y + g * sum.height * sum.width * sum.outputs * kLanes;
    for (std::size_t row = 0; row < sum.height; ++row) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t column = i * sum.width / count;
        const std::size_t end = (i + 1) * sum.width / count;
        tiles<T>(end - column, sum, {row, column, 0}, bias, x, y,
                 std::make_index_sequence<kPixels>{});
      }
    }
  }
}

}  // namespace

template <class T>
void convolve(const ConvolutionShape& shape, const T* w, const T* bias, std::size_t bias_groups,
              const T* x, T* y, std::size_t groups) {
  if (shape.side == 1 && bias != nullptr) {
    matmul_with_bias(row_major(w, shape.outputs, shape.inputs), bias, bias_groups * shape.pixels(),
                     x, y, groups * shape.pixels());
    return;
  }
  if (shape.side == 1) {
    matmul(row_major(w, shape.outputs, shape.inputs), x, y, groups * shape.pixels(), false);
    return;
  }
  const auto inputs = static_cast<std::ptrdiff_t>(shape.inputs);
  const auto taps = static_cast<std::ptrdiff_t>(shape.taps());
  sum_taps<T>({.height = shape.height,
               .width = shape.width,
               .side = shape.side,
               .inputs = shape.inputs,
               .outputs = shape.outputs,
               .w = w,
               .row_stride = taps * inputs,
               .tap_stride = inputs,
               .stride = 1,
               .bias = bias,
               .x = x,
               .y = y},
              bias_groups, groups);
}

template <class T>
void convolve_transposed(const ConvolutionShape& shape, const T* w, const T* dy, T* dx,
                         std::size_t groups) {
  if (shape.side == 1) {
    matmul(row_major(w, shape.outputs, shape.inputs).transposed(), dy, dx, groups * shape.pixels(),
           false);
    return;
  }
  const auto inputs = static_cast<std::ptrdiff_t>(shape.inputs);
  const auto taps = static_cast<std::ptrdiff_t>(shape.taps());
  // Inputs and outputs change places, and a tap reads where its mirror image wrote.
  sum_taps<T>({.height = shape.height,
               .width = shape.width,
               .side = shape.side,
               .inputs = shape.outputs,
               .outputs = shape.inputs,
               .w = w + (taps - 1) * inputs,
               .row_stride = 1,
               .tap_stride = -inputs,
               .stride = taps * inputs,
               .bias = nullptr,
               .x = dy,
               .y = dx},
              0, groups);
}

#define IFLOW_INSTANTIATE(T)                                                                     \
  template void convolve(const ConvolutionShape&, const T*, const T*, std::size_t, const T*, T*, \
                         std::size_t);                                                           \
  template void convolve_transposed(const ConvolutionShape&, const T*, const T*, T*, std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::kernels
