#include "flow/dequantise.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "base/error.h"

namespace iflow {
namespace {

// Three columns, of which the outer ones hold integers.
Dequantise two_of_three() { return {{{0, 0, 1}, {2, 3, 10}}, 3}; }

std::vector<double> some_rows(std::size_t n) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const auto k = static_cast<double>(i);
    rows.insert(rows.end(), {k - 5, 0.25 * k, 3 + 10 * (k - 7)});
  }
  return rows;
}

std::vector<std::uint64_t> ids_from(std::uint64_t first, std::size_t n) {
  std::vector<std::uint64_t> ids(n);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

TEST_CASE("dequantise: noise stays in the bin, fills it evenly, and leaves other columns alone") {
  const Dequantise dequantise = two_of_three();
  constexpr std::size_t kRows = 20000;
  const std::vector<double> x = some_rows(kRows);
  std::vector<double> y = x;
  dequantise.add_noise(y, ids_from(0, kRows), 1, 0);
  double mean[2] = {0, 0}, squares[2] = {0, 0}, product = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    CHECK(y[3 * i + 1] == x[3 * i + 1]);
    const double u = y[3 * i] - x[3 * i], v = (y[3 * i + 2] - x[3 * i + 2]) / 10;
    for (const double w : {u, v}) CHECK((w >= 0 && w < 1));
    mean[0] += u / kRows;
    mean[1] += v / kRows;
    squares[0] += u * u / kRows;
    squares[1] += v * v / kRows;
    product += u * v / kRows;
  }
  // Five standard errors.
  const double error = 5 / std::sqrt(12.0 * kRows);
  for (int j = 0; j < 2; ++j) {
    CHECK(std::fabs(mean[j] - 0.5) < error);
    CHECK(std::fabs(squares[j] - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / kRows));
  }
  CHECK(std::fabs(product - 0.25) < 5 * std::sqrt(7.0 / 144 / kRows));
  dequantise.round_down(y);
  CHECK(y == x);
}

TEST_CASE("dequantise: a bin's end is never reached, however far from 0") {
  const Dequantise dequantise({{0, 0, 1}}, 1);
  for (const double x : {0.0, 3.0, -0x1p40, 0x1p40, 0x1p51}) {
    std::vector<double> y(5000, x);
    dequantise.add_noise(y, ids_from(7, y.size()), 2, 3);
    for (const double yi : y) CHECK((x <= yi && yi < x + 1));
    dequantise.round_down(y);
    CHECK(y == std::vector<double>(5000, x));
  }
}

TEST_CASE("dequantise: noise is a function of seed, draw, row and column") {
  const Dequantise dequantise = two_of_three();
  const std::vector<double> x = some_rows(100);
  const auto noisy = [&](std::uint64_t seed, std::uint64_t draw) {
    std::vector<double> y = x;
    dequantise.add_noise(y, ids_from(40, 100), seed, draw);
    return y;
  };
  CHECK(noisy(1, 0) == noisy(1, 0));
  const std::vector<double> y = noisy(1, 0);
  for (const auto& other : {noisy(2, 0), noisy(1, 1)}) {
    for (std::size_t i = 0; i < x.size(); ++i) CHECK((i % 3 == 1) == (other[i] == y[i]));
  }
  for (std::size_t i = 0; i < 100; ++i) {
    std::vector<double> row(x.begin() + static_cast<long>(3 * i),
                            x.begin() + static_cast<long>(3 * i + 3));
    dequantise.add_noise(row, ids_from(40 + i, 1), 1, 0);
    CHECK(std::equal(row.begin(), row.end(), y.begin() + static_cast<long>(3 * i)));
  }
}

TEST_CASE("dequantise: the middle of a bin, what is off the lattice, and the steps") {
  const Dequantise dequantise = two_of_three();
  std::vector<double> rows = {4, 0.3, 23, -1, 7, -7};
  dequantise.centre(rows);
  CHECK(rows == std::vector<double>{4.5, 0.3, 28, -0.5, 7, -2});
  CHECK(dequantise.off_lattice(std::vector<double>{4, 0.3, 23}) == nullptr);
  CHECK(dequantise.off_lattice(std::vector<double>{4.5, 0.3, 23})->column == 0);
  CHECK(dequantise.off_lattice(std::vector<double>{4, 0.3, 24})->column == 2);
  CHECK(dequantise.log_steps() == doctest::Approx(std::log(10)));
}

TEST_CASE("dequantise: nonsense is refused") {
  const auto make = [](std::vector<LatticeColumn> lattices) {
    return Dequantise(std::move(lattices), 2);
  };
  CHECK_THROWS_AS(make({{2, 0, 1}}), UsageError);
  CHECK_THROWS_AS(make({{0, 0, 1}, {0, 0, 1}}), UsageError);
  CHECK_THROWS_AS(make({{0, 0, 0}}), UsageError);
  CHECK_THROWS_AS(make({{0, 0, -1}}), UsageError);
  CHECK_THROWS_AS(make({{0, 0, 0.5}}), UsageError);
  CHECK_THROWS_AS(make({{0, 0, NAN}}), UsageError);
  CHECK_THROWS_AS(make({{0, 1, 1}}), UsageError);
  CHECK_THROWS_AS(make({{0, -1, 2}}), UsageError);
}

}  // namespace
}  // namespace iflow
