#include "objective/summary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

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

}  // namespace
}  // namespace iflow
