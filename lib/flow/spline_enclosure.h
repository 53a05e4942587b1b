// The inverse of the rational-quadratic spline of spline_map.h and its derivatives, with everything
// they can be off by.
#pragma once

#include <cstddef>
#include <span>

#include "flow/column_map.h"

namespace iflow {

// y, h: of one column, h as make_spline_map's. The spline is the one whose constants are exact; its
// knots at both ends are -range and range. Where y can lie in several pieces, what is enclosed
// is what any of them gives.
void enclose_spline_inverse(std::size_t bins, double range, Ball y, std::span<const Ball> h,
                            ColumnInverse& inverse);

}  // namespace iflow
