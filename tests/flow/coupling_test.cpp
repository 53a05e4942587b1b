// Coupling layers and their maps beyond what every layer must be (properties/layers_test.cpp).
#include "flow/coupling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "flow/flow_fixture.h"
#include "flow/plu.h"
#include "flow/spline_map.h"

namespace iflow {
namespace {

// Layers with every map and matrices between them, from the data's units.
FlowConfig coupling_flow(std::size_t d, CouplingKind kind, std::size_t steps) {
  FlowConfig config{d, {standardise_config(d)}};
  for (std::size_t i = 0; i < steps; ++i) {
    config.layers.emplace_back(ActNormConfig{});
    config.layers.emplace_back(PluConfig{});
    config.layers.emplace_back(coupling_config(kind, i % 2 == 1));
  }
  return config;
}

// How far numbers come back through the flow and its inverse from where they were, in standard
// deviations of their columns.
struct RoundTrip {
  double largest = 0;
  double root_mean_square = 0;
};

template <class T>
RoundTrip round_trip(const FlowFixture& fixture, std::uint64_t key, std::size_t rows) {
  const std::size_t d = fixture.config.dimension;
  const Flow<T> flow = build_flow<T>(fixture.config);
  AlignedVector<T> values(fixture.values.begin(), fixture.values.end());
  const std::vector<double> x = random_rows(key, rows, d);
  const StandardiseConfig units = standardise_config(d);
  Tape<T> tape(false);
  const Pass<T> pass{tape, flow.layout(), values.data()};
  const Var in = tape.variable(d, groups_for(rows));
  rows_to_lanes(x.data(), rows, d, tape.value(in));
  std::vector<double> start(x.size()), back(x.size());
  lanes_to_rows(tape.value(in), rows, d, start.data());
  Var y = flow.transform(pass, in);
  for (std::size_t i = flow.layer_count(); i-- > 0;) y = flow.layer(i).inverse(pass, y, {}, {}).x;
  lanes_to_rows(tape.value(y), rows, d, back.data());
  RoundTrip result;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = std::fabs(back[i] - start[i]) / units.deviation[i % d];
    result.largest = std::max(result.largest, error);
    squares += error * error;
  }
  result.root_mean_square = std::sqrt(squares / static_cast<double>(x.size()));
  return result;
}

TEST_CASE("coupling: the inverse is exact to rounding, in double and in float") {
  for (const auto& [kind, name] : coupling_names()) {
    for (const std::size_t d : {2, 5}) {
      INFO(name, ", d = ", d);
      const FlowFixture fixture(coupling_flow(d, kind, 4));
      const RoundTrip in_double = round_trip<double>(fixture, 1, 10000);
      CHECK(in_double.largest < 1e-13);
      CHECK(in_double.largest > 0);  // or nothing was computed
      // a last place of numbers around 4 is 5e-7 in float
      const RoundTrip in_float = round_trip<float>(fixture, 1, 10000);
      CHECK(in_float.root_mean_square < 5e-7 * static_cast<double>(d));
      CHECK(in_float.largest < 5e-5);
    }
  }
}

TEST_CASE("coupling: one half passes, and every column of the other sees it") {
  for (const auto& [kind, name] : coupling_names()) {
    for (const std::size_t d : {2, 5}) {
      for (const bool from_second : {false, true}) {
        INFO(name, ", d = ", d, ", from second ", from_second);
        const FlowFixture fixture({d, {coupling_config(kind, from_second)}});
        const auto forward = [&](const std::vector<double>& row) {
          Tape<double> tape(false);
          const Var x = tape.variable(d, 1);
          rows_to_lanes(row.data(), 1, d, tape.value(x));
          const Var y = fixture.flow.layer(0)
                            .forward({tape, fixture.flow.layout(), fixture.values.data()}, x)
                            .y;
          std::vector<double> result(d);
          lanes_to_rows(tape.value(y), 1, d, result.data());
          return result;
        };
        std::vector<double> x(d, 0.3);
        const std::vector<double> y = forward(x);
        const std::size_t half = d / 2;
        std::vector<double> other = x;
        other[from_second ? half : 0] += 0.5;
        const std::vector<double> moved = forward(other);
        for (std::size_t i = 0; i < d; ++i) {
          const bool passes = (i < half) != from_second;
          INFO("column ", i);
          CHECK((y[i] == x[i]) == passes);
          if (passes) CHECK(moved[i] == other[i]);
          if (!passes) CHECK(moved[i] != y[i]);
        }
      }
    }
  }
}

TEST_CASE("coupling: which pixels and channels of an image pass") {
  const auto passing = [](const ImageShape& image, ChannelMask mask, bool from_second) {
    const FlowFixture fixture(
        {image.size(), {image_coupling_config(CouplingKind::kAffine, image, mask, from_second)}});
    Tape<double> tape(false);
    const Var x = tape.variable(image.size(), 1);
    std::fill_n(tape.value(x), x.size(), 0.3);
    const Var y =
        fixture.flow.layer(0).forward({tape, fixture.flow.layout(), fixture.values.data()}, x).y;
    std::string passed;
    for (std::size_t i = 0; i < image.size(); ++i) {
      passed += tape.value(y)[i * kLanes] == 0.3 ? '1' : '0';
    }
    return passed;
  };
  CHECK(passing({1, 2, 4}, ChannelMask::kHalves, false) == "11001100");
  CHECK(passing({1, 2, 4}, ChannelMask::kHalves, true) == "00110011");
  CHECK(passing({1, 2, 3}, ChannelMask::kHalves, false) == "100100");
  // [dy][dx][channel]: the pixels on the diagonal of every block
  CHECK(passing({1, 2, 4}, ChannelMask::kCheckerboard, false) == "10011001");
  CHECK(passing({1, 1, 8}, ChannelMask::kCheckerboard, true) == "00111100");
}

TEST_CASE("coupling: begins as the identity, a matrix as the reversal of the columns") {
  for (const CouplingKind kind : {CouplingKind::kAffine, CouplingKind::kSpline}) {
    INFO(coupling_names().at(kind));
    const Flow<double> flow = build_flow<double>({3, {coupling_config(kind, false), PluConfig{}}});
    std::vector<double> values(flow.layout().size(), 0);
    Tape<double> tape(false);
    const Var x = tape.variable(3, 1);
    const std::vector<double> rows = random_rows(5, kLanes, 3);
    const std::vector<double> weights(kLanes, 1);
    rows_to_lanes(rows.data(), kLanes, 3, tape.value(x));
    flow.initialise(values, {tape, x, weights.data()}, 1);
    rows_to_lanes(rows.data(), kLanes, 3, tape.value(x));
    const Pass<double> pass{tape, flow.layout(), values.data()};
    const Transformed result = flow.forward(pass, x, 0, 2);
    std::vector<double> y(rows.size());
    lanes_to_rows(tape.value(result.y), kLanes, 3, y.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(y[i / 3 * 3 + 2 - i % 3] == doctest::Approx(rows[i]).epsilon(1e-14));
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      CHECK(std::fabs(tape.value(result.log_det)[l]) < 1e-14);
    }
  }
}

TEST_CASE("affine map: the log-scale stays within its bound, the gradient finite") {
  const auto map = make_affine_map<double>(2);
  AlignedVector<double> x(kLanes, 1), y(kLanes), log_slope(kLanes, 0), h(2 * kLanes, 0);
  AlignedVector<double> d(kLanes, 1), dx(kLanes, 0), dh(2 * kLanes, 0);
  for (std::size_t l = 0; l < kLanes; ++l) h[l] = l % 2 == 0 ? 1e6 : -1e6;
  map->forward(x.data(), h.data(), y.data(), log_slope.data());
  map->backward(x.data(), h.data(), d.data(), d.data(), dx.data(), dh.data());
  for (std::size_t l = 0; l < kLanes; ++l) {
    CHECK(std::fabs(log_slope[l]) == doctest::Approx(2));
    CHECK(y[l] == doctest::Approx(std::exp(log_slope[l])));
    CHECK(std::isfinite(dx[l]));
    CHECK(std::isfinite(dh[l]));
  }
}

// One number through a spline: y and ln dy/dx.
struct SplinePoint {
  double y, log_slope;
};
SplinePoint through(const ColumnMap<double>& map, const AlignedVector<double>& h, double x) {
  AlignedVector<double> xs(kLanes, x), y(kLanes), log_slope(kLanes, 0);
  map.forward(xs.data(), h.data(), y.data(), log_slope.data());
  return {y[3], log_slope[3]};
}

TEST_CASE("spline map: increasing and smooth, the identity outside its range") {
  for (const std::size_t bins : {1, 2, 7, 64}) {
    INFO("bins ", bins);
    const auto map = make_spline_map<double>(bins, 3);
    REQUIRE(map->parameters() == 3 * bins - 1);
    AlignedVector<double> h(map->parameters() * kLanes);
    Rng rng(1, RngPurpose::kTest, bins);
    for (std::size_t k = 0; k < map->parameters(); ++k) {
      std::fill_n(h.begin() + static_cast<std::ptrdiff_t>(k * kLanes), kLanes, 2 * rng.normal());
    }
    for (const double x : {-1e300, -7.0, -3.0, 3.0, 3.5, 1e300}) {
      CHECK(through(*map, h, x).y == x);
      CHECK(through(*map, h, x).log_slope == 0);
    }
    CHECK(std::isnan(through(*map, h, std::nan("")).y));
    // Knots, wherever they are, lie between some of these.
    constexpr int kPoints = 20000;
    SplinePoint last{-3, 0};
    for (int i = 1; i <= kPoints; ++i) {
      const double x = -3 + 6.0 * i / kPoints;
      const SplinePoint at = through(*map, h, x);
      const double mean_slope = std::exp((at.log_slope + last.log_slope) / 2);
      REQUIRE(at.y > last.y);
      REQUIRE(at.y - last.y == doctest::Approx(6.0 / kPoints * mean_slope).epsilon(0.05));
      last = at;
    }
    CHECK(last.y == 3);
  }
}

TEST_CASE("spline map: pulls nothing back through points outside, all of it finite") {
  const auto map = make_spline_map<double>(4, 2);
  AlignedVector<double> h(11 * kLanes, 0.5), x(kLanes, -1e200), d(kLanes, 1), dx(kLanes, 0);
  AlignedVector<double> dh(11 * kLanes, 0);
  map->backward(x.data(), h.data(), d.data(), d.data(), dx.data(), dh.data());
  CHECK(std::all_of(dx.begin(), dx.end(), [](double v) { return v == 1; }));
  CHECK(std::all_of(dh.begin(), dh.end(), [](double v) { return v == 0; }));
}

TEST_CASE("coupling: what can't be is refused") {
  const auto build = [](const CouplingConfig& config, std::size_t d = 2) {
    build_flow<double>({d, {config}});
  };
  const CouplingConfig good = coupling_config(CouplingKind::kSpline, false);
  CHECK_NOTHROW(build(good));
  CHECK_THROWS_WITH_AS(build(good, 1), "flow.0: a coupling layer needs at least 2 columns",
                       UsageError);
  for (const std::size_t bins : {std::size_t{0}, kMaxSplineBins + 1}) {
    CouplingConfig config = good;
    config.bins = bins;
    CHECK_THROWS_AS(build(config), UsageError);
  }
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CouplingConfig config = good;
    config.range = bad;
    CHECK_THROWS_AS(build(config), UsageError);
    config = coupling_config(CouplingKind::kAffine, false);
    config.log_scale_bound = bad;
    CHECK_THROWS_AS(build(config), UsageError);
  }
  CouplingConfig config = good;
  config.hidden = {};
  CHECK_THROWS_AS(build(config), UsageError);
  const auto build_image = [&](ImageShape image, ChannelMask mask, std::vector<std::size_t> sides) {
    CouplingConfig of_image = image_coupling_config(CouplingKind::kAffine, image, mask, false);
    of_image.sides = std::move(sides);
    build(of_image, 32);
  };
  const auto halves = ChannelMask::kHalves, checkerboard = ChannelMask::kCheckerboard;
  CHECK_NOTHROW(build_image({4, 2, 4}, checkerboard, {3, 1, 3}));
  CHECK_THROWS_WITH_AS(build_image({4, 8, 1}, halves, {3, 1, 3}),
                       "flow.0: a coupling layer needs at least 2 channels", UsageError);
  CHECK_THROWS_WITH_AS(build_image({4, 4, 2}, checkerboard, {3, 1, 3}),
                       "flow.0: only squeezed images have a checkerboard of channels", UsageError);
  CHECK_THROWS_AS(build_image({4, 4, 4}, halves, {3, 1, 3}), UsageError);  // 64 numbers
  for (const std::vector<std::size_t>& sides :
       {std::vector<std::size_t>{}, {3, 1}, {3, 2, 3}, {3, 1, 257}, {3, 1, (1ULL << 63U) + 3}}) {
    CHECK_THROWS_AS(build_image({4, 2, 4}, halves, sides), UsageError);
  }
  CHECK_THROWS_AS(build_flow<double>({6, {PluConfig{4}}}), UsageError);
}

TEST_CASE("residual block: refuses a branch of free weights or of other outputs") {
  DenseBranchConfig branch = branch_config(2, {4}, "elu");
  branch.bounded = false;
  CHECK_THROWS_AS(build_flow<double>({2, {ResidualBlockConfig{branch}}}), UsageError);
  branch = branch_config(2, {4}, "elu");
  branch.outputs = 3;
  CHECK_THROWS_AS(build_flow<double>({2, {ResidualBlockConfig{branch}}}), UsageError);
}

}  // namespace
}  // namespace iflow
