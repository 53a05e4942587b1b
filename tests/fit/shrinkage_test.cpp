#include "fit/shrinkage.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace iflow {
namespace {

// Rows (x, x + noise, noise) of unit variances: the correlation of the first two is 1 / sqrt(2).
std::vector<double> correlated_rows(std::size_t n) {
  Rng rng(1, RngPurpose::kTest);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = rng.normal(), e = rng.normal();
    rows.insert(rows.end(), {x, (x + e) / std::sqrt(2), rng.normal()});
  }
  return rows;
}

TEST_CASE("shrunk_correlations: with many rows the factor is that of the correlations") {
  const WhitenConfig config = shrunk_correlations(correlated_rows(100000), 3);
  const double r = std::sqrt(0.5);
  const std::vector<double> expected = {1, 0, 0, r, r, 0, 0, 0, 1};
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(config.factor[i] == doctest::Approx(expected[i]).epsilon(0.02));
  }
}

TEST_CASE("shrunk_correlations: few rows shrink it, and fewer rows than columns still have one") {
  // independent columns: what correlations there are are noise
  const auto largest_correlation = [](std::size_t n, std::size_t d) {
    Rng rng(2, RngPurpose::kTest);
    std::vector<double> rows(n * d);
    for (double& x : rows) x = rng.normal();
    const WhitenConfig config = shrunk_correlations(rows, d);
    double largest = 0;
    for (std::size_t i = 0; i < d; ++i) {
      CHECK(config.factor[i * (d + 1)] > 0.5);
      for (std::size_t j = 0; j < i; ++j) {
        largest = std::max(largest, std::fabs(config.factor[i * d + j]));
      }
    }
    return largest;
  };
  // the sample correlations themselves reach 3 / sqrt(20)
  CHECK(largest_correlation(20, 10) < 0.35);
  CHECK(largest_correlation(8, 12) < 0.5);
}

// Rows (x, y, x + 2 y + an error of `noise`), each of unit variance.
std::vector<double> dependent_rows(std::size_t n, double noise, std::uint64_t seed) {
  Rng rng(seed, RngPurpose::kTest);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = rng.normal(), y = rng.normal();
    rows.insert(rows.end(), {x, y, (x + 2 * y + noise * rng.normal()) / std::sqrt(5)});
  }
  return rows;
}

TEST_CASE("shrunk_correlations: held-out rows save the width of a nearly dependent column") {
  const double width = 1e-6 / std::sqrt(5);  // of the third column, given the others
  const std::vector<double> rows = dependent_rows(500, 1e-6, 3);
  CHECK(shrunk_correlations(rows, 3).factor[8] > 100 * width);
  const WhitenConfig chosen = shrunk_correlations(rows, 3, {}, dependent_rows(100, 1e-6, 4));
  CHECK(chosen.factor[8] == doctest::Approx(width).epsilon(0.1));
}

TEST_CASE("shrunk_correlations: held-out rows of independent columns keep the shrinkage") {
  Rng rng(5, RngPurpose::kTest);
  std::vector<double> rows(20 * 10), held_out(200 * 10);
  for (double& x : rows) x = rng.normal();
  for (double& x : held_out) x = rng.normal();
  CHECK(shrunk_correlations(rows, 10, {}, held_out).factor == shrunk_correlations(rows, 10).factor);
}

TEST_CASE("shrunk_correlations: rows of weight 3 count as three") {
  const std::vector<double> rows = correlated_rows(20000);
  std::vector<double> repeated, weights;
  for (std::size_t i = 0; i < 20000; ++i) {
    weights.push_back(i % 4 == 0 ? 3 : i % 4 == 1 ? 0 : 1);
    for (int k = 0; k < weights.back(); ++k) {
      repeated.insert(repeated.end(), rows.begin() + static_cast<long>(3 * i),
                      rows.begin() + static_cast<long>(3 * i + 3));
    }
  }
  // Repeated rows shrink a little less than weighted ones, which know less.
  const WhitenConfig a = shrunk_correlations(rows, 3, weights),
                     b = shrunk_correlations(repeated, 3);
  for (std::size_t i = 0; i < 9; ++i) CHECK(std::fabs(a.factor[i] - b.factor[i]) < 2e-3);
  CHECK(std::fabs(a.factor[3]) < std::fabs(b.factor[3]));
  const WhitenConfig equal = shrunk_correlations(rows, 3, std::vector<double>(20000, 2.5));
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(equal.factor[i] == doctest::Approx(shrunk_correlations(rows, 3).factor[i]));
  }
}

}  // namespace
}  // namespace iflow
