#include "report/range.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace iflow {
namespace {

TEST_CASE("widened adds its share at both ends") {
  const Range r = widened({-1, 3}, 0.25);
  CHECK(r.min == -2);
  CHECK(r.max == 4);
}

TEST_CASE("a single value gets room around it that doubles can tell apart") {
  for (const double v : {0.0, 3.0, -3e12, 1e300, 5e-324}) {
    CAPTURE(v);
    const Range r = widened({v, v}, 0.1);
    CHECK(r.min < v);
    CHECK(r.max > v);
    CHECK(r.span() >= 0.999e-3 * std::abs(v));
  }
  CHECK(widened({3, 3}, 0.1).span() == 1);
  CHECK(widened({1, std::nextafter(1.0, 2.0)}, 0.1).span() == 1);
}

TEST_CASE("an outlier doesn't set the range") {
  std::vector<double> values;
  for (int i = 0; i <= 1000; ++i) values.push_back(i / 1000.0);
  const Range r = robust_range(values, 0);
  CHECK(r.min == doctest::Approx(0.005));
  CHECK(r.max == doctest::Approx(0.995));
  values.push_back(1e9);
  const Range with_outlier = robust_range(values, 0);
  CHECK(with_outlier.max < 1.0);
  CHECK(with_outlier.min >= 0);
}

TEST_CASE("quantiles are interpolated") {
  // Two values: quantile s lies at s of the way.
  const Range r = robust_range({10, 20}, 0);
  CHECK(r.min == doctest::Approx(10.05));
  CHECK(r.max == doctest::Approx(19.95));
}

TEST_CASE("no, one and equal values give a range of length 1") {
  CHECK(robust_range({}, 0.1).min == -0.5);
  CHECK(robust_range({}, 0.1).max == 0.5);
  CHECK(robust_range({7}, 0.1).min == 6.5);
  CHECK(robust_range({7, 7, 7}, 0.1).max == 7.5);
}

TEST_CASE("values that are not finite are refused") {
  CHECK_THROWS_AS(robust_range({1, std::numeric_limits<double>::infinity()}, 0), NumericError);
  CHECK_THROWS_WITH_AS(robust_range({1, std::nan("")}, 0),
                       "no range to show: value 2 is not finite", NumericError);
}

}  // namespace
}  // namespace iflow
