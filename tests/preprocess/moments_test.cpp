#include "preprocess/moments.h"

#include <doctest/doctest.h>

#include <cmath>

namespace iflow {
namespace {

TEST_CASE("moments: mean and deviation of each column") {
  const ColumnMoments moments = column_moments(std::vector<double>{1, -10, 3, 10, 5, 30}, 2);
  CHECK(moments.mean[0] == doctest::Approx(3));
  CHECK(moments.mean[1] == doctest::Approx(10));
  CHECK(moments.deviation[0] == doctest::Approx(std::sqrt(8.0 / 3)));
  CHECK(moments.deviation[1] == doctest::Approx(std::sqrt(800.0 / 3)));
}

TEST_CASE("moments: a small spread far from zero is not lost before the rounding to double") {
  // Seconds since 1970, a quarter of a second apart: a double can't tell these numbers apart.
  const double start = 1.6e9;
  const std::vector<double> rows = {start, start + 0.25, start + 0.5, start + 0.75};
  const ColumnMoments moments = column_moments(rows, 1);
  const std::vector<double> z = standardised(rows, moments);
  CHECK(moments.deviation[0] == doctest::Approx(std::sqrt(5.0) / 8).epsilon(1e-5));
  for (std::size_t i = 0; i + 1 < z.size(); ++i) {
    CHECK(z[i + 1] - z[i] == doctest::Approx(2 / std::sqrt(5.0)).epsilon(1e-5));
  }
}

TEST_CASE("moments: standardised rows have mean 0 and deviation 1") {
  const std::vector<double> rows = {3, 1e6, 4, -2e6, 8, 1e6, -7, 5e6};
  const std::vector<double> z = standardised(rows, column_moments(rows, 2));
  const ColumnMoments again = column_moments(std::vector<double>(z.begin(), z.end()), 2);
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(std::abs(again.mean[j]) < 1e-6);
    CHECK(again.deviation[j] == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("moments: a constant column has deviation 0") {
  CHECK(column_moments(std::vector<double>{2, 2, 2, 2}, 1).deviation[0] == 0);
}

TEST_CASE("moments: a row of weight 3 counts as three, one of weight 0 as none") {
  const std::vector<double> rows = {1, 10, 4, 20, -7, 5}, weights = {3, 1, 0};
  const std::vector<double> repeated = {1, 10, 1, 10, 1, 10, 4, 20};
  const ColumnMoments a = column_moments(rows, 2, weights), b = column_moments(repeated, 2);
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(a.mean[j] == doctest::Approx(b.mean[j]));
    CHECK(a.deviation[j] == doctest::Approx(b.deviation[j]));
  }
  CHECK(effective_rows(std::vector<double>{2, 2, 2, 0}) == doctest::Approx(3));
  CHECK(effective_rows(std::vector<double>{3, 1}) == doctest::Approx(1.6));
}

}  // namespace
}  // namespace iflow
