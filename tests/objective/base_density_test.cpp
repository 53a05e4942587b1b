#include "objective/base_density.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "support/gradient_check.h"
#include "support/tolerances.h"

namespace iflow {
namespace {

// ln N(z; 0, I), a factor for each number.
double log_normal(std::span<const double> z) {
  double log_p = 0;
  for (const double zi : z) {
    log_p += std::log(std::exp(-zi * zi / 2) / std::sqrt(2 * std::numbers::pi));
  }
  return log_p;
}

TEST_CASE("base density: the value") {
  const std::vector<double> z = {0.3, -2, 0, 5};
  for (std::size_t n = 0; n <= z.size(); ++n) {
    const auto first = std::span(z).first(n);
    CHECK(kRounding.holds(log_base_density(first), log_normal(first)));
  }
}

TEST_CASE("base density: recorded, value and gradient") {
  struct Shape {
    std::size_t elements, groups;
  };
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 2}, Shape{5, 1}}) {
    const CheckedInput z = random_input("z", shape.elements, shape.groups, 13);
    Tape<double> tape(false);
    const Var on_tape = tape.variable(shape.elements, shape.groups);
    std::copy(z.values.begin(), z.values.end(), tape.value(on_tape));
    const Var y = log_base_density(tape, on_tape);
    REQUIRE(y.size() == shape.groups * kLanes);
    for (std::size_t i = 0; i < y.size(); ++i) {
      std::vector<double> row(shape.elements);
      for (std::size_t e = 0; e < row.size(); ++e) {
        row[e] = z.values[(i / kLanes * shape.elements + e) * kLanes + i % kLanes];
      }
      CHECK(kRounding.holds(tape.value(y)[i], log_normal(row)));
    }
    const CheckedFunction f = [](Tape<double>& recording, std::span<const Var> x,
                                 std::span<const Parameter<double>>) {
      return log_base_density(recording, x[0]);
    };
    expect_gradient(f, {z});
  }
}

TEST_CASE("base density: samples are keyed by seed and row, and scale with the temperature") {
  const std::vector<double> z = sample_base_density(1, 0, 1000, 3, 1);
  REQUIRE(z.size() == 3000);
  CHECK(sample_base_density(1, 10, 5, 3, 1) == std::vector<double>(z.begin() + 30, z.begin() + 45));
  CHECK(sample_base_density(2, 0, 1000, 3, 1) != z);
  CHECK(sample_base_density(1, 0, 1000, 3, 1, 1) != z);
  const std::vector<double> cold = sample_base_density(1, 0, 1000, 3, 0.5);
  double squares = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    CHECK(cold[i] == 0.5 * z[i]);
    squares += z[i] * z[i];
  }
  CHECK(std::fabs(squares / 3000 - 1) < 4 * std::sqrt(2.0 / 3000));
}

}  // namespace
}  // namespace iflow
