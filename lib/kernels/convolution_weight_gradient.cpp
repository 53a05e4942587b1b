#include <algorithm>

#include "base/aligned.h"
#include "kernels/convolution.h"
#include "kernels/matmul.h"
#include "kernels/simd.h"

namespace iflow::kernels {

namespace {

using simd::kRegistersPerGroup;
using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

// Accumulators of a tap in a tile of the gradient: as many as one reduction turns into sums.
constexpr std::size_t kSums = 16;

// A tile of the gradient: kRows outputs and kColumns inputs, which dy and x begin with; all taps.
// `sums`, [taps][kSums][kWidth], holds the accumulators.
template <class T>
struct Tile {
  const ConvolutionShape& shape;
  const T* dy;
  const T* x;
  T* sums;
};

// Adds n pixels of a row to the accumulators of one tap; dy and x begin with the first of them.
template <class T, std::size_t kRows, std::size_t kColumns>
[[gnu::always_inline]] inline void add_row(const ConvolutionShape& shape, const T* dy, const T* x,
                                           std::size_t n, T* sums) {
  constexpr std::size_t kCount = kRows * kColumns;
  Vec<T> acc[kCount];
#pragma GCC unroll 32
  for (std::size_t i = 0; i < kCount; ++i) acc[i] = load(sums + i * kWidth<T>);
  const std::size_t dy_stride = shape.outputs * kLanes, x_stride = shape.inputs * kLanes;
  for (; n > 0; --n) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < kRegistersPerGroup<T>; ++part) {
      Vec<T> column[kColumns];
#pragma GCC unroll 32
      for (std::size_t c = 0; c < kColumns; ++c) {
        column[c] = load(x + c * kLanes + part * kWidth<T>);
      }
#pragma GCC unroll 32
      for (std::size_t r = 0; r < kRows; ++r) {
        const Vec<T> row = load(dy + r * kLanes + part * kWidth<T>);
#pragma GCC unroll 32
        for (std::size_t c = 0; c < kColumns; ++c) acc[r * kColumns + c] += row * column[c];
      }
    }
    dy += dy_stride;
    x += x_stride;
  }
#pragma GCC unroll 32
  for (std::size_t i = 0; i < kCount; ++i) store(sums + i * kWidth<T>, acc[i]);
}

// Adds one row of dy to the accumulators of every tap.
template <class T, std::size_t kRows, std::size_t kColumns>
void add_taps(const Tile<T>& tile, std::size_t group, std::size_t row) {
  const ConvolutionShape& shape = tile.shape;
  const std::size_t pad = shape.side / 2;
  const std::size_t image = group * shape.pixels();
  for (std::size_t ky = 0; ky < shape.side; ++ky) {
    if (row + ky < pad || row + ky - pad >= shape.height) continue;
    for (std::size_t kx = 0; kx < shape.side; ++kx) {
      // Columns of dy whose pixel of x stands inside the image.
      const std::size_t begin = pad - std::min(pad, kx);
      const std::size_t end = std::min(shape.width, std::max(shape.width + pad, kx) - kx);
      if (begin >= end) continue;
      const std::size_t dy_at = image + row * shape.width + begin;
      const std::size_t x_at = image + (row + ky - pad) * shape.width + begin + kx - pad;
      add_row<T, kRows, kColumns>(shape, tile.dy + dy_at * shape.outputs * kLanes,
                                  tile.x + x_at * shape.inputs * kLanes, end - begin,
                                  tile.sums + (ky * shape.side + kx) * kSums * kWidth<T>);
    }
  }
}

// A tile of dw, to which dw points.
template <class T, std::size_t kRows, std::size_t kColumns>
void add_tile(const Tile<T>& tile, T* dw, std::size_t groups) {
  static_assert(kRows * kColumns <= kSums);
  const ConvolutionShape& shape = tile.shape;
  std::fill_n(tile.sums, shape.taps() * kSums * kWidth<T>, T(0));
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t row = 0; row < shape.height; ++row) {
      add_taps<T, kRows, kColumns>(tile, g, row);
    }
  }
  for (std::size_t tap = 0; tap < shape.taps(); ++tap) {
    Vec<T> acc[kSums];
    for (std::size_t i = 0; i < kSums; ++i) {
      acc[i] = load(tile.sums + (tap * kSums + i) * kWidth<T>);
    }
    alignas(simd::kVectorBytes) T sums[kSums];
    simd::horizontal_sums<T, kSums>(acc, sums);
    T* to = dw + tap * shape.inputs;
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < kColumns; ++c) {
        to[r * shape.columns() + c] += sums[r * kColumns + c];
      }
    }
  }
}

// kRows outputs, all inputs.
template <class T, std::size_t kRows>
void add_tiles(Tile<T> tile, T* dw, std::size_t groups) {
  std::size_t left = tile.shape.inputs;
  const auto columns = [&]<std::size_t kColumns>() {
    for (; left >= kColumns; left -= kColumns) {
      add_tile<T, kRows, kColumns>(tile, dw, groups);
      tile.x += kColumns * kLanes;
      dw += kColumns;
    }
  };
  columns.template operator()<4>();
  columns.template operator()<2>();
  columns.template operator()<1>();
}

}  // namespace

template <class T>
void convolution_weight_gradient(const ConvolutionShape& shape, const T* dy, const T* x, T* dw,
                                 std::size_t groups) {
  if (shape.side == 1) {
    weight_gradient(dy, x, dw, shape.outputs, shape.inputs, groups * shape.pixels());
    return;
  }
  thread_local AlignedVector<T> sums;
  sums.resize(std::max(sums.size(), shape.taps() * kSums * kWidth<T>));
  std::size_t left = shape.outputs;
  const auto rows = [&]<std::size_t kRows>() {
    for (; left >= kRows; left -= kRows) {
      add_tiles<T, kRows>({shape, dy, x, sums.data()}, dw, groups);
      dy += kRows * kLanes;
      dw += kRows * shape.columns();
    }
  };
  rows.template operator()<4>();
  rows.template operator()<2>();
  rows.template operator()<1>();
}

#define IFLOW_INSTANTIATE(T)                                                                 \
  template void convolution_weight_gradient(const ConvolutionShape&, const T*, const T*, T*, \
                                            std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::kernels
