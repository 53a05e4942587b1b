#include "flow/column_maps.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "flow/lanes.h"
#include "mixture/mixture_fixture.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

const ParameterLayout kNoParameters;

// Two columns that are mapped and one between them that is not.
ColumnMapsConfig example_maps() {
  const ColumnMixture spread{
      {std::log(0.6), std::log(0.39), std::log(0.01)}, {-1, 1.5, 0}, {0.5, 0.2, 4}};
  const ColumnMixture spike{{std::log(0.5), std::log(0.5)}, {-0.4, 0}, {0.1, 3}};
  return {{spread, {}, spike}};
}

template <class T>
Pass<T> pass_on(Tape<T>& tape) {
  return {tape, kNoParameters, nullptr};
}

struct Image {
  std::vector<double> y;
  double log_det;
};

Image image_of(const ColumnMaps<double>& layer, const std::vector<double>& row) {
  Tape<double> tape(false);
  const Var x = tape.variable(3, 1);
  rows_to_lanes(row.data(), 1, 3, tape.value(x));
  const Transformed result = layer.forward(pass_on(tape), x);
  std::vector<double> y(3);
  lanes_to_rows(tape.value(result.y), 1, 3, y.data());
  return {y, tape.value(result.log_det)[0]};
}

TEST_CASE("ln |det| is that of differences, and a column without a map stays") {
  const ColumnMaps<double> layer(example_maps(), 3);
  for (std::uint64_t key = 0; key < 20; ++key) {
    const std::vector<double> row = normal_numbers(key, 3);
    const Image image = image_of(layer, row);
    CHECK(image.y[1] == row[1]);
    double sum = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      std::vector<double> low = row, high = row;
      low[j] -= 1e-6;
      high[j] += 1e-6;
      sum += std::log((image_of(layer, high).y[j] - image_of(layer, low).y[j]) / 2e-6);
    }
    CHECK(image.log_det == doctest::Approx(sum).epsilon(1e-5));
  }
}

TEST_CASE("gradients") {
  const ColumnMaps<double> layer(example_maps(), 3);
  const CheckedInput x = random_input("x", 3, 2, 3);
  expect_gradient([&](Tape<double>& tape, std::span<const Var> v,
                      auto) { return layer.forward(pass_on(tape), v[0]).y; },
                  {x});
  expect_gradient([&](Tape<double>& tape, std::span<const Var> v,
                      auto) { return layer.forward(pass_on(tape), v[0]).log_det; },
                  {x});
}

TEST_CASE_TEMPLATE("the inverse undoes it within what is proved", T, float, double) {
  const ColumnMaps<T> layer(example_maps(), 3);
  const ColumnMaps<double> exact(example_maps(), 3);
  for (const double scale : {0.5, 2.0, 10.0}) {
    const std::vector<double> rows = normal_numbers(1, 3 * kLanes, scale);
    Tape<T> tape(false);
    const Var x = tape.variable(3, 1);
    rows_to_lanes(rows.data(), kLanes, 3, tape.value(x));
    const Var y = layer.transform(pass_on(tape), x);
    const Inverted back = layer.inverse(pass_on(tape), y, {}, {});
    std::vector<double> bounds(kLanes, 0);
    layer.bound_inverse(pass_on(tape), y, back, {}, {}, bounds);
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double bound = bounds[l];
      double squares = 0;
      std::vector<double> row(3), image(3);
      for (std::size_t j = 0; j < 3; ++j) {
        row[j] = tape.value(back.x)[j * kLanes + l];
        image[j] = tape.value(y)[j * kLanes + l];
      }
      // The exact image of what came back is within what the bound allows of y.
      Tape<double> fine(false);
      const Var u = fine.variable(3, 1);
      rows_to_lanes(image.data(), 1, 3, fine.value(u));
      const Inverted root = exact.inverse(pass_on(fine), u, {}, {});
      for (std::size_t j = 0; j < 3; ++j) {
        const double off = row[j] - fine.value(root.x)[j * kLanes];
        squares += off * off;
      }
      CHECK(std::sqrt(squares) <= bound + 1e-14);
      CHECK(bound < (sizeof(T) == 4 ? 1e-4 : 1e-9));
    }
  }
}

TEST_CASE(
    "finite and increasing up to a million standard deviations, with tails as wide as stated") {
  const ColumnMaps<double> layer(example_maps(), 3);
  double last[] = {-INFINITY, -INFINITY};
  for (int step = -600; step <= 600; ++step) {
    const double at = std::copysign(std::pow(10, std::abs(step) / 100.0) - 1, step);
    const Image image = image_of(layer, {at, 0.1, at});
    CHECK(std::isfinite(image.log_det));
    for (const std::size_t j : {0, 2}) {
      CHECK(image.y[j] > last[j / 2]);
      last[j / 2] = image.y[j];
    }
  }
  CHECK(last[0] == doctest::Approx(1e6 / 4).epsilon(1e-3));
  CHECK(last[1] == doctest::Approx(1e6 / 3).epsilon(1e-3));
}

TEST_CASE("maps that make no sense are refused") {
  ColumnMapsConfig config = example_maps();
  CHECK_THROWS_AS(ColumnMaps<double>(config, 2), UsageError);
  config.columns[0].means.pop_back();
  CHECK_THROWS_AS(ColumnMaps<double>(config, 3), UsageError);
  config = example_maps();
  config.columns[0].deviations[0] = -1;
  CHECK_THROWS_AS(ColumnMaps<double>(config, 3), UsageError);
}

}  // namespace
}  // namespace iflow
