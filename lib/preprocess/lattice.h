// Columns of integers, and the steps between them.
#pragma once

#include <cstddef>
#include <vector>

#include "data/table.h"

namespace iflow {

// A column whose numbers are origin + k step, k an integer.
struct LatticeColumn {
  std::size_t column = 0;
  double origin = 0;  // an integer, 0 <= origin < step
  double step = 1;    // an integer, > 0
};

// Beyond it every double is an integer, and not every integer is a double.
inline constexpr double kLargestInteger = 0x1p53;

// Whether x is an integer within +-kLargestInteger, which it then is exactly.
bool is_integer(double x);

// The columns that hold nothing but integers, each with the greatest step that all its differences
// are multiples of. Columns of one value are left out, and so are those with
// numbers more than 2^40 steps from 0: noise of a step would have too few digits there.
std::vector<LatticeColumn> find_lattices(const Table& table);

// Lattices of step 1 for all columns, as of pixels.
std::vector<LatticeColumn> unit_lattices(std::size_t columns);

bool on_lattice(const LatticeColumn& lattice, double x);

// The lattice point with x <= y < x + step. |y| < kLargestInteger.
double lattice_floor(const LatticeColumn& lattice, double y);

}  // namespace iflow
