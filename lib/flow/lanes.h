// Between row-major rows, as data comes, and lanes of rows, as kernels want them.
#pragma once

#include <cstddef>

#include "kernels/simd.h"

namespace iflow {

inline std::size_t groups_for(std::size_t rows) { return (rows + kLanes - 1) / kLanes; }

// lanes [groups_for(n)][dimension][kLanes] <- rows (n, dimension), n > 0, whose starts are `stride`
// numbers apart. Lanes without a row repeat the last one, so that they hold numbers as tame as the
// data.
template <class From, class To>
void rows_to_lanes(const From* rows, std::size_t n, std::size_t dimension, To* lanes,
                   std::size_t stride) {
  for (std::size_t i = 0; i < groups_for(n) * kLanes; ++i) {
    const From* row = rows + (i < n ? i : n - 1) * stride;
    To* lane = lanes + (i / kLanes) * dimension * kLanes + i % kLanes;
    for (std::size_t j = 0; j < dimension; ++j) lane[j * kLanes] = static_cast<To>(row[j]);
  }
}

template <class From, class To>
void rows_to_lanes(const From* rows, std::size_t n, std::size_t dimension, To* lanes) {
  rows_to_lanes(rows, n, dimension, lanes, dimension);
}

// rows (n, dimension), whose starts are `stride` numbers apart <- lanes
// [groups_for(n)][dimension][kLanes].
template <class From, class To>
void lanes_to_rows(const From* lanes, std::size_t n, std::size_t dimension, To* rows,
                   std::size_t stride) {
  for (std::size_t i = 0; i < n; ++i) {
    const From* lane = lanes + (i / kLanes) * dimension * kLanes + i % kLanes;
    for (std::size_t j = 0; j < dimension; ++j) {
      rows[i * stride + j] = static_cast<To>(lane[j * kLanes]);
    }
  }
}

template <class From, class To>
void lanes_to_rows(const From* lanes, std::size_t n, std::size_t dimension, To* rows) {
  lanes_to_rows(lanes, n, dimension, rows, dimension);
}

}  // namespace iflow
