#include <algorithm>
#include <utility>

#include "base/aligned.h"
#include "kernels/convolution.h"
#include "kernels/matmul.h"
#include "kernels/simd.h"

namespace iflow::kernels {

namespace {

using simd::hold;
using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

// A register tile of the gradient is up to kMany channels of one tensor, dy or x, times up to kFew
// of the other, an accumulator each, whose lanes are added up at the end. The few stay in
// registers, the many pass through one.
constexpr std::size_t kMany = simd::kRegisters == 32 ? 6 : 4;
constexpr std::size_t kFew = simd::kRegisters == 32 ? 4 : 3;

// Channels cut into the fewest tiles, as even as can be.
struct Cut {
  std::size_t size, count;
  Cut(std::size_t channels, std::size_t most)
      : size(channels), count((channels + most - 1) / most) {}
  std::size_t begin(std::size_t i) const { return i * size / count; }
  std::size_t length(std::size_t i) const { return begin(i + 1) - begin(i); }
};

// A tensor [pixels][channels][kLanes], from some pixel and channel on, and the distance of its
// channels in dw.
template <class T>
struct LaneOperand {
  const T* data;
  std::size_t channels;
  std::size_t dw_stride;

  LaneOperand from(std::size_t pixel, std::size_t channel) const {
    return {data + (pixel * channels + channel) * kLanes, channels, dw_stride};
  }
};

// Whether it makes fewer tiles if the inputs are the many.
bool inputs_are_many(std::size_t outputs, std::size_t inputs) {
  return Cut(inputs, kMany).count * Cut(outputs, kFew).count <
         Cut(outputs, kMany).count * Cut(inputs, kFew).count;
}

// A register tile and what is done with it.
template <class T, std::size_t kM, std::size_t kF>
struct LaneTile {
  static constexpr std::size_t kCount = kM * kF;
  Vec<T> acc[kM][kF];

  // Loads the accumulators that `save` stored; zeros for the first part of the pixels.
  [[gnu::always_inline]] void begin(bool first, const T* sums) {
#pragma GCC unroll 32
    for (std::size_t m = 0; m < kM; ++m) {
#pragma GCC unroll 32
      for (std::size_t f = 0; f < kF; ++f) {
        acc[m][f] = first ? Vec<T>{} : load(sums + (m * kF + f) * kWidth<T>);
      }
    }
  }

  // Adds the products of n pixels side by side.
  [[gnu::always_inline]] void add(const LaneOperand<T>& many_operand,
                                  const LaneOperand<T>& few_operand, std::size_t n) {
    const T *many = many_operand.data, *few = few_operand.data;
    const std::size_t many_stride = many_operand.channels * kLanes;
    const std::size_t few_stride = few_operand.channels * kLanes;
    for (; n > 0; --n) {
#pragma GCC unroll 4
      for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
        Vec<T> held[kF];
#pragma GCC unroll 32
        for (std::size_t f = 0; f < kF; ++f) held[f] = load(few + f * kLanes + l);
#pragma GCC unroll 32
        for (std::size_t m = 0; m < kM; ++m) {
          Vec<T> passing = load(many + m * kLanes + l);
          hold<T>(passing);
#pragma GCC unroll 32
          for (std::size_t f = 0; f < kF; ++f) acc[m][f] += passing * held[f];
        }
      }
      many += many_stride;
      few += few_stride;
    }
  }

  [[gnu::always_inline]] void save(T* sums) const {
#pragma GCC unroll 32
    for (std::size_t m = 0; m < kM; ++m) {
#pragma GCC unroll 32
      for (std::size_t f = 0; f < kF; ++f) {
        store(sums + (m * kF + f) * kWidth<T>, acc[m][f]);
      }
    }
  }

  // dw += the sums of the lanes, as sum_lanes left them.
  static void add_to(T* dw, const T* sums, std::size_t many_stride, std::size_t few_stride) {
    T copy[kM][kF];  // does not alias dw, which the compiler can see
    std::copy_n(sums, kCount, copy[0]);
    if (few_stride == 1) {
#pragma GCC unroll 32
      for (std::size_t m = 0; m < kM; ++m) {
#pragma GCC unroll 32
        for (std::size_t f = 0; f < kF; ++f) dw[m * many_stride + f] += copy[m][f];
      }
    } else {
#pragma GCC unroll 32
      for (std::size_t f = 0; f < kF; ++f) {
#pragma GCC unroll 32
        for (std::size_t m = 0; m < kM; ++m) dw[m * many_stride + f * few_stride] += copy[m][f];
      }
    }
  }
};

// Calls call.operator()<m, f>() for a tile size that is known only at run time.
template <class F>
void with_tile(std::size_t m, std::size_t f, const F& call) {
  [&]<std::size_t... kLess>(std::index_sequence<kLess...>) {
    (void)((m == kLess / kFew + 1 && f == kLess % kFew + 1 &&
            (call.template operator()<kLess / kFew + 1, kLess % kFew + 1>(), true)) ||
           ...);
  }
  (std::make_index_sequence<kMany * kFew>{});
}

// Numbers to allocate for `count` saved accumulators, so that sum_lanes may read whole blocks.
template <class T>
std::size_t lane_sums_size(std::size_t count) {
  return (count + kWidth<T>)*kWidth<T>;
}

// sums[i] = the sum of the lanes of accumulator i, for `count` of them, always in the same order.
template <class T>
void sum_lanes(T* sums, std::size_t count) {
  constexpr std::size_t w = kWidth<T>;
  for (std::size_t i = count; i % w != 0; ++i) std::fill_n(sums + i * w, w, T(0));
  for (std::size_t i = 0; i < count; i += w) {
    Vec<T> acc[w];
#pragma GCC unroll 32
    for (std::size_t k = 0; k < w; ++k) acc[k] = load(sums + (i + k) * w);
    simd::horizontal_sums<T, w>(acc, sums + i);
  }
}

// Pixels for which a tile's channels stay in the first cache while all taps pass over them. Of 48
// channels a tile's meet in few of the cache's sets: twice as many pixels are slower, and so are
// half as many. (tests/bench/RESULTS.md, tiles, slices and kernels)
constexpr std::size_t kBlockPixels = 28;

// The gradient of all taps from one tile's channels on: for every tap, the sum over pixels of dy
// and of x, shifted.
template <class T>
struct Gradient {
  const ConvolutionShape& shape;
  LaneOperand<T> many, few;
  bool many_is_x;  // else dy is, and x are the few
  T* sums;         // [taps][accumulators of the tile][kWidth]
  T* dw;
};

// Along one side of the image: under a tap, pixels begin .. end - 1 of dy meet the pixels of x from
// x_begin on.
struct Range {
  std::size_t begin, end, x_begin;
  std::size_t length() const { return end - begin; }
};
Range overlap(std::size_t begin, std::size_t end, std::size_t size, std::size_t k,
              std::size_t pad) {
  const std::size_t first = std::max(begin, pad - std::min(pad, k));
  const std::size_t last = std::min(end, size + pad - std::min(size + pad, k));
  return {first, std::max(first, last), first + k - pad};
}

// Adds rows `row` .. row_end - 1 of dy of one group to the accumulators of every tap, or begins
// these with them.
template <class T, std::size_t kM, std::size_t kF>
void add_block(const Gradient<T>& gradient, std::size_t group, std::size_t row,
               std::size_t row_end) {
  const ConvolutionShape& shape = gradient.shape;
  const std::size_t pad = shape.side / 2;
  const std::size_t image = group * shape.pixels();
  const bool first = group == 0 && row == 0;
  for (std::size_t ky = 0; ky < shape.side; ++ky) {
    const Range i = overlap(row, row_end, shape.height, ky, pad);
    for (std::size_t kx = 0; kx < shape.side; ++kx) {
      const Range j = overlap(0, shape.width, shape.width, kx, pad);
      T* sums = gradient.sums + (ky * shape.side + kx) * kM * kF * kWidth<T>;
      LaneTile<T, kM, kF> tile;
      tile.begin(first, sums);
      for (std::size_t r = 0; r < i.length() && j.length() > 0; ++r) {
        const std::size_t dy_at = image + (i.begin + r) * shape.width + j.begin;
        const std::size_t x_at = image + (i.x_begin + r) * shape.width + j.x_begin;
        tile.add(gradient.many.from(gradient.many_is_x ? x_at : dy_at, 0),
                 gradient.few.from(gradient.many_is_x ? dy_at : x_at, 0), j.length());
      }
      tile.save(sums);
    }
  }
}

// Adds a tile to dw: all groups, all taps.
template <class T, std::size_t kM, std::size_t kF>
void add_tile(const Gradient<T>& gradient, std::size_t groups) {
  const ConvolutionShape& shape = gradient.shape;
  const std::size_t block = std::max<std::size_t>(1, kBlockPixels / shape.width);
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t row = 0; row < shape.height; row += block) {
      add_block<T, kM, kF>(gradient, g, row, std::min(shape.height, row + block));
    }
  }
  sum_lanes(gradient.sums, shape.taps() * kM * kF);
  for (std::size_t tap = 0; tap < shape.taps(); ++tap) {
    LaneTile<T, kM, kF>::add_to(gradient.dw + tap * shape.inputs, gradient.sums + tap * kM * kF,
                                gradient.many.dw_stride, gradient.few.dw_stride);
  }
}

template <class T>
void add_tiles(const Gradient<T>& gradient, std::size_t groups) {
  const Cut many(gradient.many.channels, kMany), few(gradient.few.channels, kFew);
  for (std::size_t i = 0; i < many.count; ++i) {
    for (std::size_t j = 0; j < few.count; ++j) {
      Gradient<T> tile = gradient;
      tile.many = gradient.many.from(0, many.begin(i));
      tile.few = gradient.few.from(0, few.begin(j));
      tile.dw += many.begin(i) * tile.many.dw_stride + few.begin(j) * tile.few.dw_stride;
      with_tile(many.length(i), few.length(j),
                [&]<std::size_t kM, std::size_t kF>() { add_tile<T, kM, kF>(tile, groups); });
    }
  }
}

}  // namespace

template <class T>
void convolution_weight_gradient(const ConvolutionShape& shape, const T* dy, const T* x, T* dw,
                                 std::size_t groups) {
  if (shape.side == 1) {
    weight_gradient(dy, x, dw, shape.outputs, shape.inputs, groups * shape.pixels());
    return;
  }
  if (groups == 0) return;
  thread_local AlignedVector<T> sums;
  sums.resize(std::max(sums.size(), lane_sums_size<T>(shape.taps() * kMany * kFew)));
  const LaneOperand<T> outputs{dy, shape.outputs, shape.columns()}, inputs{x, shape.inputs, 1};
  const bool many_is_x = inputs_are_many(shape.outputs, shape.inputs);
  add_tiles<T>({.shape = shape,
                .many = many_is_x ? inputs : outputs,
                .few = many_is_x ? outputs : inputs,
                .many_is_x = many_is_x,
                .sums = sums.data(),
                .dw = dw},
               groups);
}

#define IFLOW_INSTANTIATE(T)                                                                 \
  template void convolution_weight_gradient(const ConvolutionShape&, const T*, const T*, T*, \
                                            std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::kernels
