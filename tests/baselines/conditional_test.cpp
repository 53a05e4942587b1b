#include "baselines/conditional.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "base/rng.h"

namespace iflow {
namespace {

// y = 2 + 3 a - b + e / 2 with a, b standard normal, as rows (y, a, b).
std::vector<double> regression_rows(std::size_t n) {
  Rng rng(1, RngPurpose::kTest);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const double a = rng.normal(), b = rng.normal();
    rows.insert(rows.end(), {2 + 3 * a - b + rng.normal() / 2, a, b});
  }
  return rows;
}

TEST_CASE("conditional: a Gaussian's is linear regression") {
  const std::vector<double> rows = regression_rows(20000);
  const Gaussian joint = fit_gaussian(rows, 3);
  const std::vector<double> at = {2.5, 0.3, -0.2, 7, 1, 1};
  const std::vector<double> log_p = conditional_log_density(joint, at, 1, 3);
  for (std::size_t i = 0; i < 2; ++i) {
    const double error = at[3 * i] - 2 - 3 * at[3 * i + 1] + at[3 * i + 2];
    const double expected =
        -error * error / (2 * 0.25) - std::log(0.5 * std::sqrt(2 * std::numbers::pi));
    CHECK(log_p[i] == doctest::Approx(expected).epsilon(0.02).scale(1));
  }
  // With nothing given it is the density itself.
  CHECK(conditional_log_density(joint, at, 3, 3) == log_density(joint, at));
}

TEST_CASE("conditional: densities integrate to one at any condition") {
  const std::vector<double> rows = regression_rows(2000);
  const Mixture mixture = fit_mixture(rows, 3, 0);
  const KernelDensity kde = fit_kernel_density(rows, 3);
  std::vector<double> grid;
  constexpr double kStep = 0.05;
  for (double y = -12; y < 16; y += kStep) grid.insert(grid.end(), {y, 0.7, -1.1});
  const auto integral = [&](const std::vector<double>& log_p) {
    double sum = 0;
    for (const double l : log_p) sum += std::exp(l) * kStep;
    return sum;
  };
  CHECK(integral(conditional_log_density(mixture, grid, 1, 3)) == doctest::Approx(1).epsilon(1e-6));
  CHECK(integral(conditional_log_density(kde, grid, 1, 3)) == doctest::Approx(1).epsilon(1e-6));
}

}  // namespace
}  // namespace iflow
