#include "preprocess/lattice.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace iflow {
namespace {

Table table_of(const std::vector<std::vector<double>>& columns) {
  Table table;
  table.rows = columns.front().size();
  for (std::size_t j = 0; j < columns.size(); ++j) {
    table.columns.emplace_back(1, static_cast<char>('a' + j));
  }
  for (std::size_t i = 0; i < table.rows; ++i) {
    for (const auto& column : columns) table.values.push_back(column[i]);
  }
  return table;
}

TEST_CASE("lattice: the greatest common step, from wherever the numbers begin") {
  const auto lattices = find_lattices(table_of({{0, 1, 5},
                                                {0.5, 1, 2},
                                                {-7, 3, 13},
                                                {1000, 0, 1000},
                                                {4, 4, 4},
                                                {-1e15, 1e15, 3},
                                                {-6e15, 6e15, 0}}));
  REQUIRE(lattices.size() == 4);
  CHECK(lattices[0].column == 0);
  CHECK(lattices[0].step == 1);
  CHECK(lattices[0].origin == 0);
  CHECK(lattices[1].column == 2);
  CHECK(lattices[1].step == 10);
  CHECK(lattices[1].origin == 3);
  CHECK(lattices[2].column == 3);
  CHECK(lattices[2].step == 1000);
  CHECK(lattices[2].origin == 0);
  // Steps of 1 a quadrillion from 0 are no lattice that noise could fill; two steps of 6e15 are.
  CHECK(lattices[3].column == 6);
  CHECK(lattices[3].step == 6e15);
}

TEST_CASE("lattice: what is on it, and the point at or below") {
  const LatticeColumn lattice{0, 3, 10};
  for (const double x : {-17.0, -7.0, 3.0, 13.0, 1e15 + 3}) {
    CHECK(on_lattice(lattice, x));
    CHECK(lattice_floor(lattice, x) == x);
    CHECK(lattice_floor(lattice, std::nextafter(x + 10, x)) == x);
    CHECK(lattice_floor(lattice, std::nextafter(x, -1e300)) == x - 10);
  }
  for (const double x : {0.0, 3.5, 4.0, -3.0, 1e300}) CHECK_FALSE(on_lattice(lattice, x));
  Rng rng(1, RngPurpose::kTest);
  for (int i = 0; i < 100000; ++i) {
    const LatticeColumn any{0, static_cast<double>(rng.below(7)), 7};
    const double y = 1e6 * rng.normal(), x = lattice_floor(any, y);
    CHECK(on_lattice(any, x));
    CHECK(x <= y);
    CHECK(y < x + 7);
  }
}

}  // namespace
}  // namespace iflow
