// Conditional densities p(x | c) through a whole flow and its model.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "flow/flow_fixture.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

constexpr std::size_t kCondition = 2;

// Of residual blocks, and of couplings.
std::vector<FlowConfig> configs(std::size_t d) {
  FlowConfig couplings{d, {standardise_config(d), ActNormConfig{}}};
  for (const auto& [kind, name] : coupling_names()) {
    couplings.layers.emplace_back(coupling_config(kind, false));
    couplings.layers.emplace_back(coupling_config(kind, true));
  }
  return {conditional(flow_config(d, 3, "sine"), kCondition), conditional(couplings, kCondition)};
}

// Rows with their condition, (n, d + kCondition).
std::vector<double> rows_with_condition(std::uint64_t key, std::size_t n, std::size_t d) {
  const std::vector<double> x = random_rows(key, n, d), c = random_rows(key + 1, n, kCondition);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) rows.push_back(x[i * d + j]);
    for (std::size_t j = 0; j < kCondition; ++j) rows.push_back(c[i * kCondition + j]);
  }
  return rows;
}

TEST_CASE("conditional: the gradient of ln p") {
  for (const FlowConfig& config : configs(3)) {
    const FlowFixture f(config);
    const AlignedVector<double> condition = random_condition(config, 1);
    const CheckedFunction log_p = [&](Tape<double>& tape, std::span<const Var> x,
                                      std::span<const Parameter<double>> p) {
      return Likelihood(f.flow).log_density(
          {tape, f.flow.layout(), p[0].value, p[0].gradient, condition.data()}, x[0],
          f.flow.prefix_layers());
    };
    expect_gradient(log_p, {random_input("x", 3, 1, 1)},
                    {{"parameters", 1, f.flow.layout().size(), f.values, &f.flow.layout()}},
                    {3e-6, {1e-5, 1e-6}});
  }
}

// learn() cuts the rows into tiles and, where it estimates, the layers into stretches of one: the
// rows' conditions must go along. With a probe along every column the series is exact but for its
// end.
TEST_CASE("conditional: tiles and stretches of layers learn what the whole tape does") {
  constexpr std::size_t kD = 3, kGroups = 3, kRows = kGroups * kLanes;
  for (const FlowConfig& config : configs(kD)) {
    const FlowFixture f(config);
    const AlignedVector<double> condition = random_condition(config, kGroups);
    const CheckedInput input = random_input("x", kD, kGroups, 1);
    const std::size_t n = f.flow.layout().size();
    std::vector<double> whole(n, 0), weights(kRows, 1);
    Tape<double> tape(true);
    const Var x = tape.variable(kD, kGroups);
    std::copy(input.values.begin(), input.values.end(), tape.value(x));
    const Var density = Likelihood(f.flow).log_density(
        {tape, f.flow.layout(), f.values.data(), whole.data(), condition.data()}, x, 1);
    std::copy(weights.begin(), weights.end(), tape.adjoint(density).data);
    tape.backward();
    LogDetOptions series;
    series.method = LogDetMethod::kSeries;
    series.probe = ProbeKind::kUnit;
    series.probes = kD;
    series.terms = 300;
    for (const LogDetOptions& log_det : {LogDetOptions{}, series}) {
      std::vector<double> by_layers(n, 0), values(kRows);
      Tape<double> inputs(false), layers(true);
      const Var again = inputs.variable(kD, kGroups);
      std::copy(input.values.begin(), input.values.end(), inputs.value(again));
      const std::uint64_t ids[kRows] = {};
      Likelihood(f.flow).learn({inputs, layers, f.values.data(), by_layers.data(), log_det, 0, 0,
                                ids, 1, condition.data(), kCondition},
                               again, 1, weights.data(), values.data());
      for (std::size_t i = 0; i < kRows; ++i) {
        CHECK(values[i] == doctest::Approx(tape.value(density)[i]).epsilon(1e-9));
      }
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(Tolerance{1e-8, 1e-8}.holds(by_layers[i], whole[i]));
      }
    }
  }
}

TEST_CASE("conditional: ln p is that of the brute-force Jacobian at the row's condition") {
  constexpr std::size_t kD = 3, kWidth = kD + kCondition, kRows = 20;
  const std::vector<double> rows = rows_with_condition(1, kRows, kD);
  for (const FlowConfig& config : configs(kD)) {
    const Model model = FlowFixture(config).model();
    REQUIRE(model.dimension() == kD);
    REQUIRE(model.row_width() == kWidth);
    const std::vector<double> log_p = model.log_density(rows), z = model.encode(rows);
    REQUIRE(z.size() == kRows * kD);
    for (std::size_t i = 0; i < kRows; ++i) {
      const auto first = rows.begin() + static_cast<std::ptrdiff_t>(i * kWidth);
      const std::vector<double> x(first, first + kD);
      const auto encode = [&](const std::vector<double>& at) {
        std::vector<double> row = at;
        row.insert(row.end(), first + kD, first + kWidth);
        return model.encode(row);
      };
      double expected = numerical_log_det(encode, x) -
                        static_cast<double>(kD) / 2 * std::log(2 * std::numbers::pi);
      for (std::size_t j = 0; j < kD; ++j) expected -= z[i * kD + j] * z[i * kD + j] / 2;
      CHECK(log_p[i] == doctest::Approx(expected).epsilon(1e-6));
      // Rows neither depend on their neighbours nor on their place.
      CHECK(model.log_density({first, first + kWidth}).front() == log_p[i]);
      CHECK(std::equal(z.begin() + static_cast<std::ptrdiff_t>(i * kD),
                       z.begin() + static_cast<std::ptrdiff_t>((i + 1) * kD), encode(x).begin()));
      std::vector<double> other(first, first + kWidth);
      other.back() += 0.5;
      CHECK(std::fabs(model.log_density(other).front() - log_p[i]) > 1e-6);
    }
  }
}

TEST_CASE("conditional: decode undoes encode at the same condition, within its bound") {
  constexpr std::size_t kRows = 50;
  for (const std::size_t d : {2, 20}) {
    const std::size_t width = d + kCondition;
    const std::vector<double> rows = rows_with_condition(3, kRows, d);
    for (const FlowConfig& config : configs(d)) {
      const Model model = FlowFixture(config).model();
      const std::vector<double> z = model.encode(rows);
      std::vector<double> latent = rows;
      for (std::size_t i = 0; i < z.size(); ++i) latent[i / d * width + i % d] = z[i];
      InversionReport report;
      const std::vector<double> x = model.decode(latent, {1e-12, 1000, true}, report);
      CHECK(report.unconverged == 0);
      CHECK(*std::max_element(report.bound.begin(), report.bound.end()) < 1e-3);
      for (std::size_t i = 0; i < kRows; ++i) {
        double squares = 0;
        for (std::size_t j = 0; j < d; ++j) {
          squares += std::pow(x[i * d + j] - rows[i * width + j], 2);
        }
        CHECK(std::sqrt(squares) <= report.bound[i] + 1e-10);
      }
    }
  }
}

TEST_CASE("conditional: estimates agree with the exact density") {
  constexpr std::size_t kRows = 10;
  const Model model = FlowFixture(configs(3).front()).model();
  const std::vector<double> rows = rows_with_condition(5, kRows, 3);
  const std::vector<double> exact = model.log_density(rows);
  std::vector<std::uint64_t> ids(kRows);
  for (std::size_t i = 0; i < kRows; ++i) ids[i] = i;
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.probe = ProbeKind::kUnit;  // no noise of the probes
  options.probes = 3;
  const auto estimates = model.estimate_log_density(rows, ids, options, 0);
  for (std::size_t i = 0; i < kRows; ++i) {
    CHECK(std::fabs(estimates[i].value - exact[i]) <= estimates[i].truncation_bound + 1e-9);
  }
}

TEST_CASE("conditional: descriptions that make no sense") {
  FlowConfig config = configs(2).front();
  std::get<ResidualBlockConfig>(config.layers.back() = config.layers[2]).branch.condition = 1;
  CHECK_THROWS_AS(build_flow<double>(config), UsageError);
  config = configs(2).front();
  config.condition.deviation[1] = 0;
  CHECK_THROWS_AS(build_flow<double>(config), UsageError);
  config.condition.deviation.pop_back();
  CHECK_THROWS_AS(build_flow<double>(config), UsageError);
}

}  // namespace
}  // namespace iflow
