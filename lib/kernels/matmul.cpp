#include "kernels/matmul.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/aligned.h"
#include "kernels/simd.h"

namespace iflow::kernels {

namespace {

using simd::broadcast;
using simd::forget;
using simd::hold;
using simd::kRegistersPerGroup;
using simd::kWidth;
using simd::load;
using simd::load_unaligned;
using simd::store;
using simd::store_unaligned;
using simd::Vec;

// Accumulators a register tile may hold; the rest of the registers feed them.
constexpr std::size_t kAccumulators = simd::kRegisters * 3 / 4;

// The operands of a register tile: `left` is read one number at a time and broadcast, `right` a
// vector at a time. matmul and weight_gradient are both products out = left right.
//   left   element (m, j), j = b * width + k: left[m * row_stride + b * block_stride + k * stride]
//   right  element (j, group g, lane l):      right[g * right_group + j * kLanes + l]
//   out    element (m, group g, lane l):      out[m * out_row + g * out_group + l], unaligned
template <class T>
struct Product {
  const T* left;
  std::size_t row_stride, stride, width, blocks, block_stride;
  const T* right;
  std::size_t right_group;
  T* out;
  std::size_t out_row, out_group;
  std::size_t rows;
  // The initial value of `out`: its own (accumulate), or the bias (rows) in the first groups and 0
  // in the others.
  bool accumulate = false;
  const T* bias = nullptr;
  std::size_t bias_groups = 0;
};

// Moves `row` to the next row of `out`.
template <class T>
[[gnu::always_inline]] inline void walk(T*& row, std::size_t stride) {
  row += stride;
  forget(row);
}

// The initial values of a tile's accumulators.
template <class T, std::size_t kRows, std::size_t kGroups>
[[gnu::always_inline]] inline void begin_tile(
    const Product<T>& p, std::size_t m, std::size_t g,
    Vec<T> (&acc)[kRows][kGroups * kRegistersPerGroup<T>]) {
  constexpr std::size_t kPerGroup = kRegistersPerGroup<T>;
  constexpr std::size_t kColumns = kGroups * kPerGroup;
  if (p.accumulate) {
    const T* row = p.out + m * p.out_row + g * p.out_group;
#pragma GCC unroll 32
    for (std::size_t r = 0; r < kRows; ++r, walk(row, p.out_row)) {
#pragma GCC unroll 32
      for (std::size_t c = 0; c < kColumns; ++c) {
        acc[r][c] =
            load_unaligned(row + (c / kPerGroup) * p.out_group + (c % kPerGroup) * kWidth<T>);
      }
    }
  } else if (g < p.bias_groups) {
    Vec<T> counts[kColumns];  // 1 where the bias counts
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) {
      counts[c] = broadcast(T(g + c / kPerGroup < p.bias_groups ? 1 : 0));
    }
#pragma GCC unroll 32
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec<T> bias = broadcast(p.bias[m + r]);
#pragma GCC unroll 32
      for (std::size_t c = 0; c < kColumns; ++c) acc[r][c] = bias * counts[c];
    }
  } else {
#pragma GCC unroll 32
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 32
      for (std::size_t c = 0; c < kColumns; ++c) acc[r][c] = Vec<T>{};
    }
  }
}

// Rows m .. m + kRows - 1 and groups g .. g + kGroups - 1 of a product, all of the contraction.
template <class T, std::size_t kRows, std::size_t kGroups>
[[gnu::always_inline]] inline void product_tile(const Product<T>& p, std::size_t m, std::size_t g) {
  constexpr std::size_t kPerGroup = kRegistersPerGroup<T>;
  constexpr std::size_t kColumns = kGroups * kPerGroup;
  const std::size_t out_row = p.out_row, out_group = p.out_group;
  Vec<T> acc[kRows][kColumns];
  begin_tile<T, kRows, kGroups>(p, m, g, acc);
  const T* right = p.right + g * p.right_group;
  const std::size_t right_group = p.right_group, row_stride = p.row_stride, stride = p.stride;
  for (std::size_t b = 0; b < p.blocks; ++b) {
    const T* left = p.left + m * row_stride + b * p.block_stride;
    // Unrolled it is faster. (tests/bench/RESULTS.md, tiles, slices and kernels)
#pragma GCC unroll 4
    for (std::size_t k = 0; k < p.width; ++k) {
      Vec<T> column[kColumns];
#pragma GCC unroll 32
      for (std::size_t c = 0; c < kColumns; ++c) {
        column[c] = load(right + (c / kPerGroup) * right_group + (c % kPerGroup) * kWidth<T>);
      }
#pragma GCC unroll 32
      for (std::size_t r = 0; r < kRows; ++r) {
        const Vec<T> factor = broadcast(left[r * row_stride]);
#pragma GCC unroll 32
        for (std::size_t c = 0; c < kColumns; ++c) acc[r][c] += factor * column[c];
      }
      left += stride;
      right += kLanes;
    }
  }
  T* row = p.out + m * out_row + g * out_group;
  forget(row);
#pragma GCC unroll 32
  for (std::size_t r = 0; r < kRows; ++r, walk(row, out_row)) {
#pragma GCC unroll 32
    for (std::size_t c = 0; c < kColumns; ++c) {
      store_unaligned(row + (c / kPerGroup) * out_group + (c % kPerGroup) * kWidth<T>, acc[r][c]);
    }
  }
}

// Rows from m up to `end`, as many tiles of kRows as fit; returns the first row that is left.
template <class T, std::size_t kRows, std::size_t kGroups>
std::size_t product_rows(const Product<T>& p, std::size_t m, std::size_t end, std::size_t g) {
  for (; m + kRows <= end; m += kRows) product_tile<T, kRows, kGroups>(p, m, g);
  return m;
}

// All rows of kGroups groups.
template <class T, std::size_t kGroups>
void product_panel(const Product<T>& p, std::size_t g) {
  constexpr std::size_t kTall = kAccumulators / (kGroups * kRegistersPerGroup<T>);
  std::size_t m = 0;
  if constexpr (kTall >= 8) m = product_rows<T, 8, kGroups>(p, m, p.rows, g);
  if constexpr (kTall >= 6 && kTall < 8) {
    // Tiles of six rows and, so that none of few rows is left, of five: fewer rows than that don't
    // hide the latency of the multiply-add.
    const std::size_t in_fives = (6 - p.rows % 6) % 6 * 5;
    m = product_rows<T, 6, kGroups>(p, m, p.rows >= in_fives ? p.rows - in_fives : p.rows, g);
    m = product_rows<T, 5, kGroups>(p, m, p.rows, g);
  }
  if constexpr (kTall >= 4) m = product_rows<T, 4, kGroups>(p, m, p.rows, g);
  if constexpr (kTall >= 2) m = product_rows<T, 2, kGroups>(p, m, p.rows, g);
  product_rows<T, 1, kGroups>(p, m, p.rows, g);
}

// A contraction over kShort numbers, whose columns stay in registers while the rows go by: tiles
// would be begun and ended for a few multiply-adds each. (tests/bench/RESULTS.md, tiles, slices and
// kernels)
template <class T, std::size_t kShort, bool kAccumulate>
void short_product(const Product<T>& p, std::size_t groups) {
  constexpr std::size_t kPerGroup = kRegistersPerGroup<T>;
  const std::size_t rows = p.rows, row_stride = p.row_stride, stride = p.stride;
  const std::size_t out_row = p.out_row;
  for (std::size_t g = 0; g < groups; ++g) {
    Vec<T> column[kShort * kPerGroup];
#pragma GCC unroll 16
    for (std::size_t c = 0; c < kShort * kPerGroup; ++c) {
      column[c] = load(p.right + g * p.right_group + c * kWidth<T>);
    }
    const T* left = p.left;
    const T* bias = g < p.bias_groups ? p.bias : nullptr;
    T* out = p.out + g * p.out_group;
#pragma GCC unroll 4
    for (std::size_t m = 0; m < rows; ++m) {
      const Vec<T> begin = broadcast(bias != nullptr ? bias[m] : T(0));
#pragma GCC unroll 4
      for (std::size_t part = 0; part < kPerGroup; ++part) {
        Vec<T> sum = kAccumulate ? load_unaligned(out + part * kWidth<T>) : begin;
#pragma GCC unroll 4
        for (std::size_t k = 0; k < kShort; ++k) {
          sum += broadcast(left[k * stride]) * column[k * kPerGroup + part];
        }
        store_unaligned(out + part * kWidth<T>, sum);
      }
      left += row_stride;
      out += out_row;
    }
  }
}

template <class T, std::size_t kShort>
void short_product(const Product<T>& p, std::size_t groups) {
  return p.accumulate ? short_product<T, kShort, true>(p, groups)
                      : short_product<T, kShort, false>(p, groups);
}

template <class T>
void product(const Product<T>& p, std::size_t groups) {
  if (p.blocks == 1 && p.width == 1) return short_product<T, 1>(p, groups);
  if (p.blocks == 1 && p.width == 2) return short_product<T, 2>(p, groups);
  if (p.blocks == 1 && p.width == 3) return short_product<T, 3>(p, groups);
  std::size_t g = 0;
  const auto panels = [&]<std::size_t kGroups>() {
    for (; g + kGroups <= groups; g += kGroups) product_panel<T, kGroups>(p, g);
  };
  // Few rows need many groups side by side to hide the latency of the multiply-add.
  constexpr std::size_t kMany = kAccumulators / (2 * kRegistersPerGroup<T>);
  if (p.rows < 4) {
    if constexpr (kMany >= 2) panels.template operator()<kMany>();
    if constexpr (kMany >= 8) {
      panels.template operator()<6>();  // a tile of 32 rows with 2 tangents
      panels.template operator()<4>();
    }
  }
  // As wide as leaves room for at least four rows, which share the loads of a column; two panels of
  // two groups rather than one of three and one of one.
  constexpr std::size_t kWidest = kAccumulators / (4 * kRegistersPerGroup<T>);
  if constexpr (kWidest >= 3) {
    while (groups - g == 3 || groups - g > 4) {
      product_panel<T, 3>(p, g);
      g += 3;
    }
  }
  if constexpr (kWidest >= 2) panels.template operator()<2>();
  panels.template operator()<1>();
}

}  // namespace

namespace {

template <class T>
Product<T> product_of(const MatrixView<T>& w, const T* x, T* y) {
  return {.left = w.data,
          .row_stride = w.row_stride,
          .stride = w.column_stride,
          .width = w.columns,
          .blocks = 1,
          .block_stride = 0,
          .right = x,
          .right_group = w.columns * kLanes,
          .out = y,
          .out_row = kLanes,
          .out_group = w.rows * kLanes,
          .rows = w.rows};
}

}  // namespace

template <class T>
void matmul(const MatrixView<T>& w, const T* x, T* y, std::size_t groups, bool accumulate) {
  Product<T> p = product_of(w, x, y);
  p.accumulate = accumulate;
  product(p, groups);
}

template <class T>
void matmul_with_bias(const MatrixView<T>& w, const T* bias, std::size_t bias_groups, const T* x,
                      T* y, std::size_t groups) {
  Product<T> p = product_of(w, x, y);
  p.bias = bias;
  p.bias_groups = bias_groups;
  product(p, groups);
}

namespace {

// Accumulators in one tile of the weight gradient: as many as one reduction turns into sums.
constexpr std::size_t kSums = 16;

// to[i] += sums[i], kCount contiguous numbers, in vectors where they fill whole ones. (The compiler
// would extract them one by one.)
template <class T, std::size_t kCount>
[[gnu::always_inline]] inline void add_sums(const T* sums, T* to) {
  constexpr std::size_t kBytes = std::min(kCount * sizeof(T), simd::kVectorBytes);
  if constexpr (kBytes >= 16 && std::has_single_bit(kBytes)) {
    using Part [[gnu::vector_size(kBytes)]] = T;
    for (std::size_t i = 0; i < kCount; i += kBytes / sizeof(T)) {
      Part part, sum;
      std::memcpy(&part, sums + i, kBytes);
      std::memcpy(&sum, to + i, kBytes);
      sum += part;
      std::memcpy(to + i, &sum, kBytes);
    }
  } else {
    for (std::size_t i = 0; i < kCount; ++i) to[i] += sums[i];
  }
}

// acc[i * kStride] += the sum over groups and registers of row i of dy, for its first kRows rows. A
// group has m rows.
template <class T, std::size_t kRows, std::size_t kStride>
[[gnu::always_inline]] inline void add_rows(const T* dy, std::size_t m, std::size_t groups,
                                            Vec<T>* acc) {
  for (std::size_t g = 0; g < groups; ++g, dy += m * kLanes) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
        acc[i * kStride] += load(dy + i * kLanes + l);
      }
    }
  }
}

// A weight gradient whose lanes are added up at the end: dw = dy x^T, and where `dt` isn't null,
// its column j += the sums of its tangent j, the adjoints dt of unit tangents.
//   dy  [groups][m][kLanes]   x  [groups][k][kLanes]   dt  [columns][groups][m][kLanes]
template <class T>
struct LaneSums {
  const T* dy;
  const T* dt;
  const T* x;
  T* dw;
  std::size_t m, k, groups;
};

// One tile: kRows rows of dw from row r on, kColumns columns of it from c on.
template <class T, std::size_t kRows, std::size_t kColumns>
[[gnu::always_inline]] inline void weight_gradient_tile(const LaneSums<T>& p, std::size_t r,
                                                        std::size_t c) {
  static_assert(kRows * kColumns <= kSums);
  const std::size_t row = p.m * kLanes;
  Vec<T> acc[kSums] = {};
  const T* dy = p.dy + r * kLanes;
  const T* x = p.x + c * kLanes;
  for (std::size_t g = 0; g < p.groups; ++g) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < kRegistersPerGroup<T>; ++part) {
      Vec<T> column[kColumns];
#pragma GCC unroll 32
      for (std::size_t j = 0; j < kColumns; ++j) {
        column[j] = load(x + j * kLanes + part * kWidth<T>);
        hold<T>(column[j]);
      }
#pragma GCC unroll 32
      for (std::size_t i = 0; i < kRows; ++i) {
        Vec<T> value = load(dy + i * kLanes + part * kWidth<T>);
        hold<T>(value);
#pragma GCC unroll 32
        for (std::size_t j = 0; j < kColumns; ++j) acc[i * kColumns + j] += value * column[j];
      }
    }
    dy += row;
    x += p.k * kLanes;
  }
  if (p.dt != nullptr) {
#pragma GCC unroll 32
    for (std::size_t j = 0; j < kColumns; ++j) {
      const T* dt = p.dt + (c + j) * p.groups * row + r * kLanes;
      add_rows<T, kRows, kColumns>(dt, p.m, p.groups, acc + j);
    }
  }
  alignas(simd::kVectorBytes) T sums[kSums];
  simd::horizontal_sums<T, kSums>(acc, sums);
  T* dw = p.dw + r * p.k + c;
  if (p.k == kColumns) {
    add_sums<T, kRows * kColumns>(sums, dw);
  } else {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < kRows; ++i) {
      add_sums<T, kColumns>(sums + i * kColumns, dw + i * p.k);
    }
  }
}

// kRows rows of dw from row r on, all of its columns.
template <class T, std::size_t kRows>
void weight_gradient_rows(const LaneSums<T>& p, std::size_t r) {
  std::size_t c = 0;
  const auto columns = [&]<std::size_t kColumns>() {
    for (; c + kColumns <= p.k; c += kColumns) weight_gradient_tile<T, kRows, kColumns>(p, r, c);
  };
  columns.template operator()<kSums / kRows>();
  if constexpr (kRows == 4) columns.template operator()<2>();
  columns.template operator()<1>();
}

// to[r][i] = from[i][r] for a kLanes x kLanes block whose rows stand kLanes apart in `from`.
template <class T>
void transpose_block(const T* from, T* to) {
  constexpr std::size_t w = kWidth<T>;
  for (std::size_t i = 0; i < kLanes; i += w) {
    for (std::size_t r = 0; r < kLanes; r += w) {
      Vec<T> rows[w];
#pragma GCC unroll 16
      for (std::size_t j = 0; j < w; ++j) rows[j] = load(from + (i + j) * kLanes + r);
      simd::transpose<T>(rows);
#pragma GCC unroll 16
      for (std::size_t j = 0; j < w; ++j) store(to + (r + j) * kLanes + i, rows[j]);
    }
  }
}

// Few columns or rows: every element of dw is a sum of lane products, the lanes added at the end.
template <class T>
void narrow_weight_gradient(const LaneSums<T>& p) {
  std::size_t r = 0;
  const auto rows = [&]<std::size_t kRows>() {
    for (; r + kRows <= p.m; r += kRows) weight_gradient_rows<T, kRows>(p, r);
  };
  rows.template operator()<8>();
  rows.template operator()<4>();
  rows.template operator()<2>();
  rows.template operator()<1>();
}

// Lanes of x that are transposed at a time: they stay in the first cache until they are used.
constexpr std::size_t kTransposed = 384;

// dw = dy x^T as a product whose lanes are inputs: x is transposed, a block of groups at a time,
// and no lanes are ever added up. For k a multiple of kLanes.
template <class T>
void wide_weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                          std::size_t groups) {
  const std::size_t most = std::max<std::size_t>(1, kTransposed / k);
  // [k / kLanes][block * kLanes rows][kLanes inputs]
  thread_local AlignedVector<T> transposed;
  transposed.resize(std::max(transposed.size(), k * most * kLanes));
  while (groups > 0) {
    const std::size_t block = std::min(most, groups);
    const std::size_t panel = block * kLanes * kLanes;
    for (std::size_t c = 0; c < k / kLanes; ++c) {
      for (std::size_t g = 0; g < block; ++g) {
        transpose_block(x + (g * k + c * kLanes) * kLanes,
                        transposed.data() + c * panel + g * kLanes * kLanes);
      }
    }
    product<T>({.left = dy,
                .row_stride = kLanes,
                .stride = 1,
                .width = kLanes,
                .blocks = block,
                .block_stride = m * kLanes,
                .right = transposed.data(),
                .right_group = panel,
                .out = dw,
                .out_row = k,
                .out_group = kLanes,
                .rows = m,
                .accumulate = true},
               k / kLanes);
    dy += block * m * kLanes;
    x += block * k * kLanes;
    groups -= block;
  }
}

}  // namespace

template <class T>
void weight_gradient(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                     std::size_t groups) {
  if (k % kLanes == 0 && m >= 8) {
    wide_weight_gradient(dy, x, dw, m, k, groups);
  } else {
    narrow_weight_gradient<T>({dy, nullptr, x, dw, m, k, groups});
  }
}

template <class T>
void weight_gradient_of_unit_tangents(const T* dy, const T* x, T* dw, std::size_t m, std::size_t k,
                                      std::size_t groups) {
  narrow_weight_gradient<T>({dy, dy + groups * m * kLanes, x, dw, m, k, groups});
}

namespace {

// db[i] += the sum over groups and lanes of row i, for kRows rows from the first of dy on.
template <class T, std::size_t kRows>
[[gnu::always_inline]] inline void bias_gradient_rows(const T* dy, T* db, std::size_t m,
                                                      std::size_t groups) {
  static_assert(kRows <= kSums);
  Vec<T> acc[kSums] = {};
  add_rows<T, kRows, 1>(dy, m, groups, acc);
  alignas(simd::kVectorBytes) T sums[kSums];
  simd::horizontal_sums<T, kSums>(acc, sums);
  add_sums<T, kRows>(sums, db);
}

}  // namespace

template <class T>
void add_bias_gradient(const T* dy, T* db, std::size_t m, std::size_t groups) {
  std::size_t r = 0;
  const auto rows = [&]<std::size_t kRows>() {
    for (; r + kRows <= m; r += kRows) {
      bias_gradient_rows<T, kRows>(dy + r * kLanes, db + r, m, groups);
    }
  };
  rows.template operator()<kSums>();
  rows.template operator()<4>();
  rows.template operator()<1>();
}

#define IFLOW_INSTANTIATE(T)                                                                       \
  template void matmul(const MatrixView<T>&, const T*, T*, std::size_t, bool);                     \
  template void matmul_with_bias(const MatrixView<T>&, const T*, std::size_t, const T*, T*,        \
                                 std::size_t);                                                     \
  template void add_bias_gradient(const T*, T*, std::size_t, std::size_t);                         \
  template void weight_gradient(const T*, const T*, T*, std::size_t, std::size_t, std::size_t);    \
  template void weight_gradient_of_unit_tangents(const T*, const T*, T*, std::size_t, std::size_t, \
                                                 std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::kernels
