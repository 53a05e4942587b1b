#include "mixture/lane_mixture.h"

#include <doctest/doctest.h>

#include <cmath>

#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

TEST_CASE("the gradient is that of differences, times the seed, and is added") {
  for (const std::size_t d : {1, 3}) {
    const GaussianMixture mixture = example_mixture(d);
    const LaneMixture lanes(mixture);
    AlignedVector<double> x(d * kLanes), seed(kLanes), log_p(kLanes), dx(d * kLanes, 1.5);
    const std::vector<double> numbers = normal_numbers(1, x.size(), 2);
    std::copy(numbers.begin(), numbers.end(), x.begin());
    for (std::size_t l = 0; l < kLanes; ++l) seed[l] = 0.5 + static_cast<double>(l);
    lanes.log_density_and_gradient(x.data(), seed.data(), log_p.data(), dx.data());
    for (std::size_t l = 0; l < kLanes; ++l) {
      std::vector<double> row(d);
      for (std::size_t j = 0; j < d; ++j) row[j] = x[j * kLanes + l];
      CHECK(log_p[l] == doctest::Approx(plain_log_density(mixture, row.data())).epsilon(1e-12));
      for (std::size_t j = 0; j < d; ++j) {
        std::vector<double> low = row, high = row;
        low[j] -= 1e-5;
        high[j] += 1e-5;
        const double slope =
            (plain_log_density(mixture, high.data()) - plain_log_density(mixture, low.data())) /
            2e-5;
        CHECK(dx[j * kLanes + l] == doctest::Approx(1.5 + seed[l] * slope).epsilon(1e-6));
      }
    }
  }
}

}  // namespace
}  // namespace iflow
