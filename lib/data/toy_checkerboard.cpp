#include <cmath>
#include <limits>

#include "data/toy_recipes.h"

namespace iflow {

namespace {

bool is_odd(double whole) { return std::fmod(whole, 2) != 0; }

}  // namespace

std::array<double, 2> draw_checkerboard(Rng& rng) {
  const double x1 = 4 * rng.uniform() - 2;
  const double within_square = rng.uniform();
  const double coin = static_cast<double>(rng.below(2));
  const double x2 = within_square - 2 * coin + (is_odd(std::floor(x1)) ? 1 : 0);
  return {2 * x1, 2 * x2};
}

// Squares of side 2 fill [-4, 4)^2; a square is black if its column and row numbers add up to an
// even one. The eight black squares have the area 32.
double log_density_checkerboard(double x1, double x2) {
  const double column = std::floor(x1 / 2);
  const double row = std::floor(x2 / 2);
  const bool on_board = -2 <= column && column < 2 && -2 <= row && row < 2;
  if (!on_board || is_odd(column + row)) return -std::numeric_limits<double>::infinity();
  return -std::log(32.0);
}

}  // namespace iflow
