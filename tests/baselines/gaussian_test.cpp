#include "baselines/gaussian.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "support/tolerances.h"

namespace iflow {
namespace {

std::vector<double> correlated_rows(std::size_t n, std::size_t d) {
  Rng rng(1, RngPurpose::kTest);
  std::vector<double> rows(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    double last = 0;
    for (std::size_t j = 0; j < d; ++j) {
      last = 0.6 * last + rng.normal();
      rows[i * d + j] = 10 * static_cast<double>(j) + static_cast<double>(j + 1) * last;
    }
  }
  return rows;
}

TEST_CASE("gaussian: mean and covariance are the rows' own") {
  const Gaussian g = fit_gaussian(std::vector<double>{1, 2, 3, 2, 5, 8}, 2);
  CHECK(g.mean[0] == doctest::Approx(3));
  CHECK(g.mean[1] == doctest::Approx(4));
  // deviations (-2, 0, 2) and (-2, -2, 4)
  CHECK(g.covariance[0] == doctest::Approx(8.0 / 3));
  CHECK(g.covariance[1] == doctest::Approx(4));
  CHECK(g.covariance[2] == doctest::Approx(4));
  CHECK(g.covariance[3] == doctest::Approx(8));
}

TEST_CASE("gaussian: the log-density is the formula's") {
  const Gaussian g{{1, -2}, {4, 1.2, 1.2, 9}};
  const double det = 4 * 9 - 1.2 * 1.2;
  const std::vector<double> rows = {1, -2, 3, 0.5, -7, 20};
  const std::vector<double> log_p = log_density(g, rows);
  for (std::size_t i = 0; i < 3; ++i) {
    const double a = rows[2 * i] - 1, b = rows[2 * i + 1] + 2;
    const double square = (9 * a * a - 2 * 1.2 * a * b + 4 * b * b) / det;
    const double expected = -square / 2 - std::log(det) / 2 - std::log(2 * std::numbers::pi);
    CHECK(kRounding.holds(log_p[i], expected));
  }
}

TEST_CASE("gaussian: the mean log-density of the fitted rows is that of maximum likelihood") {
  // Of a Gaussian with the rows' own covariance: -(d + ln det(2 pi S)) / 2.
  for (const std::size_t d : {1, 2, 5}) {
    const std::vector<double> rows = correlated_rows(500, d);
    const Gaussian fitted = fit_gaussian(rows, d);
    const auto mean_of = [&](const Gaussian& g) {
      double sum = 0;
      for (const double log_p : log_density(g, rows)) sum += log_p;
      return sum / 500;
    };
    const double best = mean_of(fitted);
    double log_det = 0;  // at the mean, ln p = -ln det (2 pi S) / 2
    log_det = -2 * log_density(fitted, fitted.mean)[0];
    CHECK(best == doctest::Approx(-0.5 * (static_cast<double>(d) + log_det)).epsilon(1e-10));
    // Any other Gaussian fits worse.
    Gaussian other = fitted;
    other.mean[0] += 0.01;
    CHECK(mean_of(other) < best);
    other = fitted;
    for (double& s : other.covariance) s *= 1.02;
    CHECK(mean_of(other) < best);
  }
}

TEST_CASE("gaussian: columns of very different sizes are no obstacle") {
  std::vector<double> rows = correlated_rows(200, 2);
  const double expected = log_density(fit_gaussian(rows, 2), std::vector<double>{3, 4})[0];
  for (std::size_t i = 0; i < rows.size(); i += 2) rows[i] *= 1e-9;
  for (std::size_t i = 1; i < rows.size(); i += 2) rows[i] *= 1e9;
  // ln p falls by the log-determinant of the change of units, which is 0.
  const double got = log_density(fit_gaussian(rows, 2), std::vector<double>{3e-9, 4e9})[0];
  CHECK(got == doctest::Approx(expected).epsilon(1e-9));
}

TEST_CASE("gaussian: a singular covariance is refused") {
  std::vector<double> copies;
  for (int i = 0; i < 50; ++i) {
    const double x = std::sin(i);
    copies.insert(copies.end(), {x, 3 * x + 1});
  }
  CHECK_THROWS_WITH_AS(
      fit_gaussian(copies, 2),
      "the covariance of the columns is singular: some column is a linear function of others",
      DataError);
  std::vector<double> sum;
  for (int i = 0; i < 50; ++i) sum.insert(sum.end(), {std::sin(i), std::cos(3.0 * i), 0});
  for (std::size_t i = 0; i < sum.size(); i += 3) sum[i + 2] = sum[i] + sum[i + 1];
  CHECK_THROWS_AS(fit_gaussian(sum, 3), DataError);
  // Fewer rows than columns.
  CHECK_THROWS_AS(fit_gaussian(std::vector<double>{1, 2, 3, 4, 5, 7}, 3), DataError);
}

TEST_CASE("gaussian: a constant column is refused by its number") {
  for (const double constant : {0.0, 7.0}) {
    std::vector<double> rows;
    for (int i = 0; i < 50; ++i) rows.insert(rows.end(), {std::sin(i), constant});
    CHECK_THROWS_WITH_AS(fit_gaussian(rows, 2), "column 2 is the same number in every row",
                         DataError);
  }
  CHECK_THROWS_AS(fit_gaussian(std::vector<double>{5, 5, 5}, 1), DataError);
}

TEST_CASE("gaussian: columns that differ by rounding only count as one") {
  std::vector<double> rows;
  Rng rng(3, RngPurpose::kTest);
  for (int i = 0; i < 100; ++i) {
    const double x = rng.normal();
    rows.insert(rows.end(), {x, x + 3e-8 * rng.normal()});
  }
  CHECK_THROWS_AS(fit_gaussian(rows, 2), DataError);
}

TEST_CASE("gaussian: nearly dependent columns still count as two") {
  std::vector<double> rows;
  Rng rng(2, RngPurpose::kTest);
  for (int i = 0; i < 100; ++i) {
    const double x = rng.normal();
    rows.insert(rows.end(), {x, x + 1e-4 * rng.normal()});
  }
  CHECK_NOTHROW(fit_gaussian(rows, 2));
}

TEST_CASE("gaussian: a row of weight 3 counts as three, one of weight 0 as none") {
  const std::vector<double> rows = {1, 10, 4, 20, -7, 5, 2, 2}, weights = {3, 1, 0, 2};
  const Gaussian a = fit_gaussian(rows, 2, weights);
  const Gaussian b = fit_gaussian(std::vector<double>{1, 10, 1, 10, 1, 10, 4, 20, 2, 2, 2, 2}, 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(a.mean[i] == doctest::Approx(b.mean[i]));
  for (std::size_t i = 0; i < 4; ++i) CHECK(a.covariance[i] == doctest::Approx(b.covariance[i]));
}

}  // namespace
}  // namespace iflow
