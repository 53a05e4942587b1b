// A small image set of known make: a grey disc or bar on black, anti-aliased.
#pragma once

#include <cstddef>
#include <cstdint>

#include "data/images.h"

namespace iflow {

inline constexpr const char* kShapesName = "shapes";

// Images first .. first + n - 1 of the endless set that belongs to `seed`, 8x8 grey, 8 bits. An
// image depends on (seed, its own index) alone. With U uniform on [0, 1), in pixels from the top
// left corner: centre (2.5 + 3 U, 2.5 + 3 U); with equal chance
// - a disc of radius 1.5 + U,
// - a bar of length 6 and half-width .5 + .5 U through the centre at the angle pi U.
// A pixel is 255 times the share of 8 x 8 points in it that are covered, rounded.
Images sample_shapes(std::uint64_t seed, std::uint64_t first, std::size_t n);

}  // namespace iflow
