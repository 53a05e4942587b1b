#include "flow/flow.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "flow/flow_fixture.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

std::vector<double> forward_row(const FlowFixture& flow, const std::vector<double>& row,
                                double* log_det = nullptr) {
  const std::size_t d = row.size();
  Tape<double> tape(false);
  const Var x = tape.variable(d, 1);
  rows_to_lanes(row.data(), 1, d, tape.value(x));
  const Pass<double> pass{tape, flow.flow.layout(), flow.values.data()};
  const Transformed z = flow.flow.forward(pass, x, 0, flow.flow.layer_count());
  if (log_det != nullptr) *log_det = tape.value(z.log_det)[0];
  std::vector<double> y(d);
  lanes_to_rows(tape.value(z.y), 1, d, y.data());
  return y;
}

TEST_CASE("flow: log_det is that of the numerical Jacobian of the whole") {
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 3, 5, 16}) {
      INFO(activation, ", d = ", d);
      const FlowFixture flow(flow_config(d, 2, activation));
      const std::vector<double> rows = random_rows(1, 3, d);
      for (std::size_t i = 0; i < 3; ++i) {
        const auto first = rows.begin() + static_cast<std::ptrdiff_t>(i * d);
        const std::vector<double> row(first, first + static_cast<std::ptrdiff_t>(d));
        double log_det = 0;
        forward_row(flow, row, &log_det);
        const double expected =
            numerical_log_det([&](const std::vector<double>& x) { return forward_row(flow, x); },
                              row, has_kinks(activation) ? 1e-5 : 1e-3);
        CHECK(Tolerance{1e-7, 1e-7}.holds(log_det, expected));
      }
    }
  }
}

TEST_CASE("flow: actnorm begins with rows of mean 0 and variance 1") {
  const FlowFixture built(flow_config(2, 0, "elu"));
  Tape<double> tape(false);
  const Var x = tape.variable(2, 50);
  Rng rng(5, RngPurpose::kTest);
  for (std::size_t i = 0; i < x.size(); ++i) tape.value(x)[i] = 7 + 0.01 * rng.normal();
  std::vector<double> values(built.flow.layout().size(), 0);
  const Pass<double> pass{tape, built.flow.layout(), values.data()};
  built.flow.layer(1).initialise(pass, values, x, std::vector<double>(50 * kLanes, 1).data(), 1);
  const Var y = built.flow.layer(1).forward(pass, x).y;
  for (std::size_t e = 0; e < 2; ++e) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < 50 * kLanes; ++i) {
      const double yi = tape.value(y)[(i / kLanes * 2 + e) * kLanes + i % kLanes];
      sum += yi;
      squares += yi * yi;
    }
    CHECK(std::fabs(sum / 800) < 1e-9);
    CHECK(squares / 800 == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE(
    "flow: actnorm begins with weighted moments, and lanes of weight 0 have no part in them") {
  const FlowFixture built(flow_config(2, 0, "elu"));
  Tape<double> tape(false);
  const Var x = tape.variable(2, 1);
  for (std::size_t i = 0; i < x.size(); ++i) tape.value(x)[i] = 1e6;
  std::vector<double> weights(kLanes, 0);
  // column 0: 1 of weight 1, 5 of weight 3; column 1: -2 and 2
  const double numbers[2][2] = {{1, 5}, {-2, 2}};
  for (std::size_t e = 0; e < 2; ++e) {
    for (std::size_t l = 0; l < 2; ++l) tape.value(x)[e * kLanes + l] = numbers[e][l];
  }
  weights[0] = 1;
  weights[1] = 3;
  const ParameterLayout& layout = built.flow.layout();
  std::vector<double> values(layout.size(), 0);
  built.flow.layer(1).initialise({tape, layout, values.data()}, values, x, weights.data(), 1);
  const double mean[2] = {4, 1}, variance[2] = {3, 3};
  for (std::size_t e = 0; e < 2; ++e) {
    CHECK(values[layout[0].offset + e] == doctest::Approx(-0.5 * std::log(variance[e])));
    CHECK(values[layout[1].offset + e] == doctest::Approx(-mean[e]));
  }
}

TEST_CASE("build_flow: names follow the position, kinds are known, nonsense is refused") {
  const Flow<double> flow = build_flow<double>(flow_config(2, 1, "sine"));
  REQUIRE(flow.layer_count() == 4);
  CHECK(flow.kind(0) == "standardise");
  CHECK(flow.kind(1) == "actnorm");
  CHECK(flow.kind(2) == "residual");
  CHECK(flow.layout()[0].name == "flow.1.log_scale");
  CHECK(flow.layout()[2].name == "flow.2.branch.0.weight");

  FlowConfig config;
  CHECK_THROWS_AS(build_flow<double>(config), UsageError);
  config.dimension = 2;
  CHECK_THROWS_AS(build_flow<double>(config), UsageError);
  config.layers = {standardise_config(2)};
  CHECK(build_flow<double>(config).layout().entries().empty());
  config.layers = {standardise_config(3), ActNormConfig{}};
  CHECK_THROWS_AS(build_flow<double>(config), UsageError);
  config.layers = {ActNormConfig{}, ResidualBlockConfig{branch_config(3, {4}, "elu")}};
  CHECK_THROWS_WITH_AS(build_flow<double>(config),
                       "flow.1: the branch has another dimension than the flow", UsageError);
  StandardiseConfig flat = standardise_config(2);
  flat.deviation[1] = 0;
  config.layers = {flat, ActNormConfig{}};
  CHECK_THROWS_WITH_AS(build_flow<double>(config), "flow.0: a deviation must be positive",
                       UsageError);
}

}  // namespace
}  // namespace iflow
