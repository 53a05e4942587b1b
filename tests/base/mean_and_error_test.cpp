#include "base/mean_and_error.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "base/rng.h"

namespace iflow {
namespace {

TEST_CASE("mean_and_error: the mean, and the deviation over the root of n") {
  // Deviations -1.5, -0.5, 0.5, 1.5: the unbiased variance is 5/3.
  const MeanAndError a = mean_and_error(std::vector<double>{1, 2, 3, 4});
  CHECK(a.mean == doctest::Approx(2.5));
  CHECK(a.standard_error == doctest::Approx(std::sqrt(5.0 / 3 / 4)));
  const MeanAndError one = mean_and_error(std::vector<double>{7});
  CHECK(one.mean == 7);
  CHECK(one.standard_error == 0);
  CHECK(mean_and_error(std::vector<double>(10, 3)).standard_error == 0);
}

TEST_CASE("mean_and_error: a large mean does not swallow the error") {
  const MeanAndError a = mean_and_error(std::vector<double>{1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4});
  CHECK(a.mean == doctest::Approx(1e9 + 2.5).epsilon(1e-15));
  CHECK(a.standard_error == doctest::Approx(std::sqrt(5.0 / 3 / 4)));
}

TEST_CASE("bits_per_dimension") {
  // A density of 1/2 per dimension takes one bit for each.
  CHECK(bits_per_dimension(-3 * std::numbers::ln2, 3) == doctest::Approx(1));
  CHECK(bits_per_dimension(0, 5) == 0);
  CHECK(bits_per_dimension(2 * std::numbers::ln2, 1) == doctest::Approx(-2));
}

TEST_CASE("mean_and_error: weighted") {
  const std::vector<double> x = {1, 2, 3, 4}, weights = {1, 1, 1, 5};
  CHECK(mean_and_error(x, weights).mean == doctest::Approx(26.0 / 8));
  const MeanAndError equal = mean_and_error(x, std::vector<double>{3, 3, 3, 3});
  CHECK(equal.mean == doctest::Approx(mean_and_error(x).mean));
  CHECK(equal.standard_error == doctest::Approx(mean_and_error(x).standard_error));
  // The stated error is the spread of the mean over repeated draws.
  constexpr std::size_t kRepeats = 2000, kRows = 50;
  double stated = 0, squares = 0;
  for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
    Rng rng(1, RngPurpose::kTest, repeat);
    std::vector<double> draws(kRows), w(kRows);
    for (double& value : draws) value = rng.normal();
    for (double& value : w) value = rng.uniform() < 0.2 ? 4 : 1;
    const MeanAndError mean = mean_and_error(draws, w);
    stated += mean.standard_error * mean.standard_error / kRepeats;
    squares += mean.mean * mean.mean / kRepeats;
  }
  CHECK(stated == doctest::Approx(squares).epsilon(0.15));
}

}  // namespace
}  // namespace iflow
