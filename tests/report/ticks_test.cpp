#include "report/ticks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace iflow {
namespace {

std::vector<std::string> labels(Range range, int max_count) {
  std::vector<std::string> result;
  for (const Tick& tick : ticks(range, max_count)) result.push_back(tick.label);
  return result;
}

using Labels = std::vector<std::string>;

TEST_CASE("ticks stand at round numbers and say so") {
  CHECK(labels({0, 1}, 6) == Labels{"0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(labels({0, 1}, 5) == Labels{"0", "0.5", "1.0"});
  CHECK(labels({-1.4, 2.3}, 5) == Labels{"-1", "0", "1", "2"});
  CHECK(labels({-730, -110}, 4) == Labels{"-600", "-400", "-200"});
  CHECK(labels({0, 7000000}, 5) == Labels{"0", "2e6", "4e6", "6e6"});
  CHECK(labels({0, 3.2e-6}, 5) == Labels{"0", "1e-6", "2e-6", "3e-6"});
  CHECK(labels({2.31, 2.34}, 4) == Labels{"2.31", "2.32", "2.33", "2.34"});
}

TEST_CASE("tick values are the doubles nearest to their decimals") {
  const std::vector<Tick> t = ticks({0, 0.35}, 5);
  REQUIRE(t.size() == 4);
  CHECK(t[3].value == 0.3);  // 3 * 0.1 isn't
}

TEST_CASE("on every range: within it, evenly spaced, gap-free, no more than asked for") {
  const double offsets[] = {0, -1, 0.37, -12345.678, 1e9, -1e-7};
  const double spans[] = {1e-280, 3.3e-7, 0.013, 0.99, 1, 7.77, 123456, 4.2e250};
  for (const double min : offsets) {
    for (const double span : spans) {
      for (const int max_count : {2, 3, 5, 11}) {
        const Range range = {min, min + span};
        if (range.span() < 1e-12 * std::abs(min)) continue;
        CAPTURE(min);
        CAPTURE(span);
        CAPTURE(max_count);
        const std::vector<Tick> t = ticks(range, max_count);
        REQUIRE(!t.empty());
        CHECK(t.size() <= static_cast<std::size_t>(max_count));
        std::set<std::string> distinct;
        for (const Tick& tick : t) {
          CHECK(tick.value >= range.min);
          CHECK(tick.value <= range.max);
          CHECK(std::abs(std::stod(tick.label) - tick.value) <= 1e-12 * std::abs(tick.value));
          distinct.insert(tick.label);
        }
        CHECK(distinct.size() == t.size());
        if (t.size() < 2) continue;
        const double step = t[1].value - t[0].value;
        const double rounding = 1e-9 * step + 4e-16 * std::abs(min);
        for (std::size_t i = 1; i < t.size(); ++i) {
          CHECK(std::abs(t[i].value - t[i - 1].value - step) <= 4 * rounding);
        }
        CHECK(t.front().value - range.min < step + rounding);  // no tick is missing at either end
        CHECK(range.max - t.back().value < step + rounding);
        const double power = std::pow(10, std::floor(std::log10(step) + 1e-6));
        const double mantissa = step / power;
        const double tolerance = 1e-6 + rounding / power;
        CHECK((std::abs(mantissa - 1) < tolerance || std::abs(mantissa - 2) < tolerance ||
               std::abs(mantissa - 5) < tolerance));
      }
    }
  }
}

TEST_CASE("a range without length has one tick") {
  CHECK(labels({2.5, 2.5}, 5) == Labels{"2.5"});
  CHECK(labels({0, 0}, 5) == Labels{"0"});
  CHECK(labels({1, std::nextafter(1.0, 2.0)}, 5) == Labels{"1"});
  CHECK(labels({0, std::numeric_limits<double>::denorm_min()}, 5) == Labels{"0"});
}

TEST_CASE("a range that is none is refused") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double largest = std::numeric_limits<double>::max();
  CHECK_THROWS_AS(ticks({1, 0}, 5), NumericError);
  CHECK_THROWS_AS(ticks({nan, 1}, 5), NumericError);
  CHECK_THROWS_AS(ticks({0, infinity}, 5), NumericError);
  CHECK_THROWS_AS(ticks({-largest, largest}, 5), NumericError);
  CHECK_THROWS_WITH_AS(ticks({3, -0.5}, 5), "no axis from 3 to -0.5", NumericError);
}

TEST_CASE("decimal_text keeps to its digits") {
  CHECK(decimal_text(2.40123, 4) == "2.401");
  CHECK(decimal_text(0.6366, 2) == "0.64");
  CHECK(decimal_text(12000, 10) == "12000");
  CHECK(decimal_text(1.25e-7, 2) == "1.2e-07");
}

}  // namespace
}  // namespace iflow
