// What the toy data sets are: for each a draw, which is its definition, and the logarithm of the
// density that the draw has. In the recipes U is uniform on [0, 1), N is standard normal, and every
// occurrence is a fresh draw.
//
// Every density takes finite coordinates and returns a finite number or -inf.
#pragma once

#include <array>

#include "base/rng.h"

namespace iflow {

// toy_rings.cpp: discrete mixtures in closed form.

// Radius 3 or 1.5 with equal chance, angle 2 pi U, + .24 N.
std::array<double, 2> draw_circles(Rng& rng);
double log_density_circles(double x1, double x2);

// Radius 3, 2.25, 1.5 or .75 with equal chance, angle 2 pi U, + .08 N.
std::array<double, 2> draw_rings(Rng& rng);
double log_density_rings(double x1, double x2);

// (4 (cos, sin)(k pi / 4) + .5 N) / 1.414, k uniform in 0..7.
std::array<double, 2> draw_8gaussians(Rng& rng);
double log_density_8gaussians(double x1, double x2);

// toy_checkerboard.cpp: uniform on the eight black squares.

// x1 = 4 U - 2; x2 = U - 2 B + (floor(x1) mod 2), B a fair coin in {0, 1}; x 2.
std::array<double, 2> draw_checkerboard(Rng& rng);
double log_density_checkerboard(double x1, double x2);

// toy_curves.cpp: a curve with noise, hence an integral along the curve.

// t = pi U; with equal chance (cos t, sin t) or (1 - cos t, 1/2 - sin t); + .1 N; x 2; + (-1, -.2).
std::array<double, 2> draw_moons(Rng& rng);
double log_density_moons(double x1, double x2);

// t = 1.5 pi (1 + 2 U); ((t cos t, t sin t) + N) / 5.
std::array<double, 2> draw_swissroll(Rng& rng);
double log_density_swissroll(double x1, double x2);

// m = 3 pi sqrt(U); +-(-m cos m + .5 U, m sin m + .5 U) / 3 + .1 N, the sign with equal chance.
std::array<double, 2> draw_2spirals(Rng& rng);
double log_density_2spirals(double x1, double x2);

// toy_pinwheel.cpp: a change of variables with several preimages.

// f = (1 + .3 N, .1 N), a = 2 pi l / 5 + .25 exp(f1), l uniform in 0..4;
// 2 (f1 cos a + f2 sin a, -f1 sin a + f2 cos a).
std::array<double, 2> draw_pinwheel(Rng& rng);
double log_density_pinwheel(double x1, double x2);

}  // namespace iflow
