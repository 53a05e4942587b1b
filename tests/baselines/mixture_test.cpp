#include "baselines/mixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "base/rng.h"

namespace iflow {
namespace {

// Two thirds around (0, 0) with deviations 1 and 2, one third around (6, 50) with .5 and 10.
std::vector<double> two_hills(std::size_t n) {
  Rng rng(1, RngPurpose::kTest);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    if (rng.below(3) > 0) {
      rows.insert(rows.end(), {rng.normal(), 2 * rng.normal()});
    } else {
      rows.insert(rows.end(), {6 + 0.5 * rng.normal(), 50 + 10 * rng.normal()});
    }
  }
  return rows;
}

TEST_CASE("mixture: recovers the components it was drawn from, in the data's units") {
  const Mixture mixture = fit_mixture(two_hills(6000), 2, 0);
  REQUIRE(mixture.weights.size() == 2);
  const std::size_t big = mixture.weights[0] > mixture.weights[1] ? 0 : 1;
  CHECK(mixture.weights[big] == doctest::Approx(2.0 / 3).epsilon(0.03));
  const Gaussian& a = mixture.components[big];
  const Gaussian& b = mixture.components[1 - big];
  CHECK(std::fabs(a.mean[0]) < 0.1);
  CHECK(a.covariance[3] == doctest::Approx(4).epsilon(0.06));
  CHECK(b.mean[1] == doctest::Approx(50).epsilon(0.02));
  CHECK(b.covariance[0] == doctest::Approx(0.25).epsilon(0.06));
  CHECK(std::fabs(b.covariance[1]) < 0.4);
}

TEST_CASE("mixture: one Gaussian's rows get one component, equal to the baseline") {
  Rng rng(2, RngPurpose::kTest);
  std::vector<double> rows(3 * 2000);
  for (double& x : rows) x = 3 + rng.normal();
  const Mixture mixture = fit_mixture(rows, 3, 0);
  REQUIRE(mixture.weights.size() == 1);
  const Gaussian gaussian = fit_gaussian(rows, 3);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(std::fabs(mixture.components[0].covariance[i] - gaussian.covariance[i]) < 1e-4);
  }
}

TEST_CASE("mixture: its density integrates to one and is the weighted sum of its components'") {
  const Mixture mixture = fit_mixture(two_hills(2000), 2, 0);
  std::vector<double> grid;
  constexpr double kStep = 0.25;
  for (double x = -8; x < 12; x += kStep) {
    for (double y = -20; y < 110; y += kStep) grid.insert(grid.end(), {x, y});
  }
  const std::vector<double> log_p = log_density(mixture, grid);
  double sum = 0;
  for (const double value : log_p) sum += std::exp(value) * kStep * kStep;
  CHECK(sum == doctest::Approx(1).epsilon(1e-3));
  double direct = 0;
  for (std::size_t k = 0; k < mixture.weights.size(); ++k) {
    direct += mixture.weights[k] * std::exp(log_density(mixture.components[k], grid)[5000]);
  }
  CHECK(log_p[5000] == doctest::Approx(std::log(direct)));
}

TEST_CASE("mixture: the same for any number of threads, and more likely than one Gaussian") {
  const std::vector<double> rows = two_hills(1500);
  set_threads(1);
  const Mixture one = fit_mixture(rows, 2, 3);
  set_threads(2);
  const Mixture two = fit_mixture(rows, 2, 3);
  set_threads(available_threads());
  CHECK(one.weights == two.weights);
  CHECK(one.components[0].covariance == two.components[0].covariance);
  const auto mean = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  CHECK(mean(log_density(one, rows)) > mean(log_density(fit_gaussian(rows, 2), rows)) + 0.5);
}

TEST_CASE("mixture: hardly more rows than columns") {
  Rng rng(4, RngPurpose::kTest);
  std::vector<double> rows(9 * 8);
  for (double& x : rows) x = rng.normal();
  const Mixture mixture = fit_mixture(rows, 8, 0);
  CHECK(mixture.weights.size() == 1);
  for (const double value : log_density(mixture, rows)) CHECK(std::isfinite(value));
}

TEST_CASE("mixture: weights of rows are those of its components") {
  // Two hills of as many rows, of which the right one's weigh four times as much.
  Rng rng(6, RngPurpose::kTest);
  std::vector<double> rows, weights;
  for (int i = 0; i < 4000; ++i) {
    const bool right = i % 2 == 1;
    rows.push_back((right ? 5 : -5) + rng.normal());
    weights.push_back(right ? 4 : 1);
  }
  const Mixture mixture = fit_mixture(rows, 1, 0, weights);
  REQUIRE(mixture.weights.size() == 2);
  const std::size_t right = mixture.components[0].mean[0] > 0 ? 0 : 1;
  CHECK(mixture.weights[right] == doctest::Approx(0.8).epsilon(1e-3));
  CHECK(mixture.components[right].covariance[0] == doctest::Approx(1).epsilon(0.1));
}

}  // namespace
}  // namespace iflow
