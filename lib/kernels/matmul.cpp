#include "kernels/matmul.h"

#include <algorithm>
#include <array>

#include "kernels/simd.h"

namespace iflow::kernels {

namespace {

using simd::broadcast;
using simd::kRegistersPerGroup;
using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

// Accumulators a register tile may hold; the rest of the registers feed them.
constexpr std::size_t kAccumulators = simd::kRegisters * 3 / 4;

// One register tile: kRows outputs from row m on, kGroups groups from x on, all of K.
template <class T, std::size_t kRows, std::size_t kGroups>
[[gnu::always_inline]] inline void matmul_tile(const MatrixView<T>& w, std::size_t m, const T* x,
                                               T* y, bool accumulate) {
  constexpr std::size_t kPerGroup = kRegistersPerGroup<T>;
  constexpr std::size_t kColumns = kGroups * kPerGroup;
  const std::size_t x_group = w.columns * kLanes;
  const std::size_t y_group = w.rows * kLanes;
  Vec<T> acc[kRows][kColumns];
#pragma GCC unroll 32
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) {
      const T* out = y + (c / kPerGroup) * y_group + (m + r) * kLanes + (c % kPerGroup) * kWidth<T>;
      acc[r][c] = accumulate ? load(out) : Vec<T>{};
    }
  }
  const T* weight = w.data + m * w.row_stride;
  for (std::size_t k = 0; k < w.columns; ++k) {
    Vec<T> column[kColumns];
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) {
      column[c] = load(x + (c / kPerGroup) * x_group + (c % kPerGroup) * kWidth<T>);
    }
#pragma GCC unroll 32
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec<T> w_rk = broadcast(weight[r * w.row_stride]);
#pragma GCC unroll 32
      for (std::size_t c = 0; c < kColumns; ++c) acc[r][c] += w_rk * column[c];
    }
    weight += w.column_stride;
    x += kLanes;
  }
#pragma GCC unroll 32
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) {
      store(y + (c / kPerGroup) * y_group + (m + r) * kLanes + (c % kPerGroup) * kWidth<T>,
            acc[r][c]);
    }
  }
}

// Rows from m on, as many tiles of kRows as fit; returns the first row that is left.
template <class T, std::size_t kRows, std::size_t kGroups>
std::size_t matmul_rows(const MatrixView<T>& w, std::size_t m, const T* x, T* y, bool accumulate) {
  for (; m + kRows <= w.rows; m += kRows) matmul_tile<T, kRows, kGroups>(w, m, x, y, accumulate);
  return m;
}

// All rows of kGroups groups.
template <class T, std::size_t kGroups>
void matmul_panel(const MatrixView<T>& w, const T* x, T* y, bool accumulate) {
  constexpr std::size_t kTall = kAccumulators / (kGroups * kRegistersPerGroup<T>);
  std::size_t m = 0;
  if constexpr (kTall >= 8) m = matmul_rows<T, 8, kGroups>(w, m, x, y, accumulate);
  if constexpr (kTall >= 4) m = matmul_rows<T, 4, kGroups>(w, m, x, y, accumulate);
  if constexpr (kTall >= 2) m = matmul_rows<T, 2, kGroups>(w, m, x, y, accumulate);
  matmul_rows<T, 1, kGroups>(w, m, x, y, accumulate);
}

}  // namespace

template <class T>
void matmul(const MatrixView<T>& w, const T* x, T* y, std::size_t groups, bool accumulate) {
  std::size_t g = 0;
  const auto panels = [&]<std::size_t kGroups>() {
    for (; g + kGroups <= groups; g += kGroups) {
      matmul_panel<T, kGroups>(w, x + g * w.columns * kLanes, y + g * w.rows * kLanes, accumulate);
    }
  };
  // Few outputs need many groups side by side to hide the latency of the multiply-add.
  if (w.rows < 4) panels.template operator()<kAccumulators / (2 * kRegistersPerGroup<T>)>();
  if constexpr (kAccumulators / kRegistersPerGroup<T> >= 24) panels.template operator()<3>();
  if constexpr (kAccumulators / kRegistersPerGroup<T> >= 12) panels.template operator()<2>();
  panels.template operator()<1>();
}

namespace {

// Accumulators in one tile of the weight gradient: as many as one reduction turns into sums.
constexpr std::size_t kSums = 16;

// One tile: kRows rows of dw from its first element on, kColumns columns of it.
template <class T, std::size_t kRows, std::size_t kColumns>
[[gnu::always_inline]] inline void weight_gradient_tile(const T* dy, const T* x, T* dw,
                                                        std::size_t m, std::size_t k,
                                                        std::size_t groups) {
  static_assert(kRows * kColumns <= kSums);
  Vec<T> acc[kSums] = {};
  for (std::size_t g = 0; g < groups; ++g) {
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
    dy += m * kLanes;
    x += k * kLanes;
  }
  alignas(simd::kVectorBytes) T sums[kSums];
  simd::horizontal_sums<T, kSums>(acc, sums);
#pragma GCC unroll 32
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) dw[r * k + c] += sums[r * kColumns + c];
  }
}

// kRows rows of dw, all of its columns.
template <class T, std::size_t kRows>
void weight_gradient_rows(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                          std::size_t groups) {
  std::size_t c = 0;
  const auto columns = [&]<std::size_t kColumns>() {
    for (; c + kColumns <= k; c += kColumns) {
      weight_gradient_tile<T, kRows, kColumns>(dy, x + c * kLanes, dw + c, m, k, groups);
    }
  };
  columns.template operator()<kSums / kRows>();
  if constexpr (kRows == 4) columns.template operator()<2>();
  columns.template operator()<1>();
}

}  // namespace

template <class T>
void weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                     std::size_t groups) {
  std::size_t r = 0;
  const auto rows = [&]<std::size_t kRows>() {
    for (; r + kRows <= m; r += kRows) {
      weight_gradient_rows<T, kRows>(dy + r * kLanes, x, dw + r * k, m, k, groups);
    }
  };
  rows.template operator()<8>();
  rows.template operator()<4>();
  rows.template operator()<2>();
  rows.template operator()<1>();
}

template void matmul(const MatrixView<float>&, const float*, float*, std::size_t, bool);
template void matmul(const MatrixView<double>&, const double*, double*, std::size_t, bool);
template void weight_gradient(const float*, const float*, float*, std::size_t, std::size_t,
                              std::size_t);
template void weight_gradient(const double*, const double*, double*, std::size_t, std::size_t,
                              std::size_t);

}  // namespace iflow::kernels
