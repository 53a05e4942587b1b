#include "mixture/gaussian_mixture.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

TEST_CASE("log_density is the sum of the Gaussians") {
  for (const std::size_t d : {1, 2, 5}) {
    const GaussianMixture mixture = example_mixture(d);
    for (const double scale : {1.0, 30.0}) {
      const std::vector<double> rows = normal_numbers(1, 21 * d, scale);
      const std::vector<double> log_p = log_density(mixture, rows);
      for (std::size_t i = 0; i < log_p.size(); ++i) {
        const double expected = plain_log_density(mixture, rows.data() + i * d);
        CHECK(std::fabs(log_p[i] - expected) <= 1e-13 * (1 + std::fabs(expected)));
      }
    }
  }
}

TEST_CASE("a row beyond all numbers has no density") {
  const std::vector<double> rows = {1e200, 0};
  CHECK(log_density(example_mixture(2), rows)[0] == -INFINITY);
}

TEST_CASE("marginals: columns in another order have the same density") {
  const GaussianMixture mixture = example_mixture(3);
  const std::vector<double> row = {0.3, -1.2, 0.7}, swapped = {0.7, 0.3, -1.2};
  const std::vector<std::size_t> order = {2, 0, 1};
  CHECK(log_density(marginal(mixture, order), swapped)[0] ==
        doctest::Approx(log_density(mixture, row)[0]).epsilon(1e-12));
}

TEST_CASE("p(a, b) = p(a) p(b | a)") {
  const GaussianMixture mixture = example_mixture(4);
  const std::vector<double> row = {0.3, -1.2, 0.7, 2.1};
  for (const std::size_t given : {1, 2, 3}) {
    std::vector<std::size_t> first(given);
    std::iota(first.begin(), first.end(), std::size_t{0});
    const std::vector<double> a(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(given));
    const std::vector<double> b(row.begin() + static_cast<std::ptrdiff_t>(given), row.end());
    const GaussianMixture rest = conditional(mixture, a);
    check(rest);
    CHECK(log_density(marginal(mixture, first), a)[0] + log_density(rest, b)[0] ==
          doctest::Approx(log_density(mixture, row)[0]).epsilon(1e-12));
  }
}

TEST_CASE("draws have the mixture's mean and covariance") {
  const std::size_t d = 2, n = 40000;
  const GaussianMixture mixture = example_mixture(d);
  std::vector<double> mean(d, 0), second(d * d, 0), drawn_mean(d, 0), drawn_second(d * d, 0);
  for (const GaussianFamily& family : mixture.families) {
    const std::vector<double> covariance = covariance_of(family, d);
    for (std::size_t k = 0; k < family.log_weights.size(); ++k) {
      const double w = std::exp(family.log_weights[k]);
      for (std::size_t i = 0; i < d; ++i) {
        mean[i] += w * family.means[k * d + i];
        for (std::size_t j = 0; j < d; ++j) {
          second[i * d + j] +=
              w * (covariance[i * d + j] + family.means[k * d + i] * family.means[k * d + j]);
        }
      }
    }
  }
  Rng rng(1, RngPurpose::kTest);
  for (std::size_t s = 0; s < n; ++s) {
    const std::vector<double> x = draw(mixture, rng);
    for (std::size_t i = 0; i < d; ++i) {
      drawn_mean[i] += x[i] / static_cast<double>(n);
      for (std::size_t j = 0; j < d; ++j) {
        drawn_second[i * d + j] += x[i] * x[j] / static_cast<double>(n);
      }
    }
  }
  for (std::size_t i = 0; i < d; ++i) {
    CHECK(std::fabs(drawn_mean[i] - mean[i]) < 5 * std::sqrt(second[i * d + i] / n));
  }
  // Fourth moments are about 30 times the square of the second: the wide Gaussian's.
  for (std::size_t i = 0; i < d * d; ++i) {
    const double size = std::max(second[0], second[3]);
    CHECK(std::fabs(drawn_second[i] - second[i]) < 5 * size * std::sqrt(30.0 / n));
  }
}

TEST_CASE("mixtures that make no sense are refused") {
  GaussianMixture mixture = example_mixture(2);
  SUBCASE("weights") { mixture.families[0].log_weights[0] += 1; }
  SUBCASE("a diagonal that is not positive") { mixture.families[0].factor[0] = 0; }
  SUBCASE("a factor that is not lower triangular") { mixture.families[0].factor[1] = 1; }
  SUBCASE("means of another shape") { mixture.families[0].means.pop_back(); }
  SUBCASE("a mean that is no number") { mixture.families[0].means[0] = NAN; }
  CHECK_THROWS_AS(check(mixture), UsageError);
}

}  // namespace
}  // namespace iflow
