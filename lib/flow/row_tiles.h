// Work on many rows of a flow, in parallel over tiles of them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "autodiff/tape.h"
#include "base/parallel.h"
#include "kernels/simd.h"

namespace iflow {

// Rows that are worked on at a time: few enough that a layer's tensors stay in cache.
inline constexpr std::size_t kMostTileRows = 4 * kLanes;
inline std::size_t tile_rows(std::size_t dimension) {
  constexpr std::size_t kLongRow = 256;
  return dimension < kLongRow ? kMostTileRows : kLanes;
}

// Calls f(tape, first row, number of rows) for every tile of n rows.
template <class F>
void for_each_tile(std::size_t n, std::size_t dimension, const F& f) {
  const std::size_t rows = tile_rows(dimension);
  parallel_for((n + rows - 1) / rows, [&](std::size_t tile) {
    thread_local Tape<double> tape(false);
    tape.clear();
    const std::size_t first = tile * rows;
    f(tape, first, std::min(rows, n - first));
  });
}

}  // namespace iflow
