// The monotonic rational-quadratic spline between -range and range, the identity beyond: `bins`
// pieces whose widths, heights and slopes at the inner knots are h. (Durkan, Bekasov, Murray,
// Papamakarios, "Neural Spline Flows", NeurIPS 2019, section 3.1)
#pragma once

#include <cstddef>
#include <memory>

#include "flow/column_map.h"

namespace iflow {

inline constexpr std::size_t kMaxSplineBins = 64;

// The least width and height of a bin, as a part of what equal bins would have, and the least slope
// at a knot: they keep the slope of the spline away from 0 and infinity.
inline constexpr double kLeastSplinePart = 1e-2;
inline constexpr double kLeastSplineSlope = 1e-3;

// h: (widths, heights, slopes) before softmax and softplus, 3 bins - 1 numbers.
// 1 <= bins <= kMaxSplineBins, range > 0.
template <class T>
std::unique_ptr<ColumnMap<T>> make_spline_map(std::size_t bins, double range);

}  // namespace iflow
