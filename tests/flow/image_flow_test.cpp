// Flows of small images as a whole: every layer of the default models and the optional ones, the
// log-determinant by brute force and by the estimators.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "flow/flow_fixture.h"

namespace iflow {
namespace {

constexpr ImageShape kShape{8, 8, 1};
constexpr std::size_t kD = 64;

// Marginal, squeeze, two blocks at 4 x 4, factor-out, a block on what is kept, a dense block,
// ActNorm.
FlowConfig image_config() {
  std::vector<double> masses(16);
  for (std::size_t k = 0; k < 16; ++k) masses[k] = (k == 0 ? 0.4 : 0.6 / 15);
  FlowConfig config;
  config.dimension = kD;
  config.layers.emplace_back(MarginalConfig{{masses}, 1e-9});
  config.layers.emplace_back(SqueezeConfig{kShape});
  const ImageShape half = squeezed(kShape);
  for (int i = 0; i < 2; ++i) {
    config.layers.emplace_back(ActNormConfig{half.channels});
    config.layers.emplace_back(convolutional_config(half, "clipswish"));
  }
  config.layers.emplace_back(FactorOutConfig{half});
  const ImageShape kept = kept_by_factor_out(half);
  config.layers.emplace_back(convolutional_config(kept, "sine"));
  config.layers.emplace_back(ResidualBlockConfig{branch_config(kept.size(), {10}, "elu")});
  config.layers.emplace_back(ActNormConfig{});
  return config;
}

// The same of couplings: every map and mask, matrices of channels, two sizes.
FlowConfig coupling_image_config() {
  FlowConfig config = image_config();
  config.layers.erase(config.layers.begin() + 2, config.layers.end());
  const auto append = [&](const ImageShape& image, CouplingKind kind, ChannelMask mask,
                          bool from_second) {
    config.layers.emplace_back(ActNormConfig{image.channels});
    config.layers.emplace_back(PluConfig{image.channels});
    config.layers.emplace_back(image_coupling_config(kind, image, mask, from_second));
  };
  const ImageShape half = squeezed(kShape);
  append(half, CouplingKind::kAffine, ChannelMask::kCheckerboard, false);
  append(half, CouplingKind::kAdditive, ChannelMask::kCheckerboard, true);
  append(half, CouplingKind::kSpline, ChannelMask::kHalves, false);
  config.layers.emplace_back(FactorOutConfig{half});
  const ImageShape kept = kept_by_factor_out(half);
  config.layers.emplace_back(SqueezeConfig{kept});
  append(squeezed(kept), CouplingKind::kAffine, ChannelMask::kHalves, true);
  config.layers.emplace_back(ActNormConfig{});
  return config;
}

// Dequantised pixels, (n, 64).
std::vector<double> images(std::size_t n) {
  Rng rng(3, RngPurpose::kTest);
  std::vector<double> rows(n * kD);
  for (double& v : rows) v = 0.05 + 15.9 * rng.uniform();
  return rows;
}

std::vector<std::uint64_t> row_ids(std::size_t n) {
  std::vector<std::uint64_t> ids(n);
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  return ids;
}

double normal_log_density(const std::vector<double>& z) {
  double sum = -0.5 * kD * std::log(2 * std::acos(-1.0));
  for (const double zi : z) sum -= zi * zi / 2;
  return sum;
}

TEST_CASE("flow of images: the density is that of the numerical Jacobian") {
  for (const FlowConfig& config : {image_config(), coupling_image_config()}) {
    const Model model = FlowFixture(config).model();
    const std::vector<double> rows = images(3), log_p = model.log_density(rows);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::vector<double> x(rows.begin() + static_cast<std::ptrdiff_t>(i * kD),
                                  rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * kD));
      const auto f = [&](const std::vector<double>& at) { return model.encode(at); };
      const double expected = normal_log_density(model.encode(x)) + numerical_log_det(f, x, 1e-4);
      CHECK(log_p[i] == doctest::Approx(expected).epsilon(1e-6));
    }
  }
}

TEST_CASE("flow of images: decode undoes encode") {
  const Model model = FlowFixture(image_config()).model();
  const std::vector<double> rows = images(20);
  InversionReport report;
  const std::vector<double> back = model.decode(model.encode(rows), {1e-11, 1000}, report);
  CHECK(report.unconverged == 0);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(std::fabs(back[i] - rows[i]) < 1e-8);
}

TEST_CASE("flow of images: couplings are inverted to rounding") {
  const Model model = FlowFixture(coupling_image_config()).model();
  const std::vector<double> rows = images(100);
  InversionReport report;
  std::vector<double> z = model.encode(rows);
  const std::vector<double> back = model.decode(z, {}, report);
  // Rounding of z to some units in its last place is worth as much as such a change of z is.
  for (double& zi : z) zi *= 1 + 1e-15;
  const std::vector<double> moved = model.decode(z, {}, report);
  CHECK(report.unconverged == 0);
  double largest = 0, by_rounding = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    largest = std::max(largest, std::fabs(back[i] - rows[i]));
    by_rounding = std::max(by_rounding, std::fabs(moved[i] - back[i]));
  }
  INFO("change by rounding: ", by_rounding);
  CHECK(largest < by_rounding);
  CHECK(largest > 0);
}

TEST_CASE("flow of images: series and roulette agree with the exact log-determinant") {
  constexpr std::size_t kRows = 10;
  const Model model = FlowFixture(image_config()).model();
  const std::vector<double> rows = images(kRows), exact = model.log_density(rows);
  LogDetOptions series = LogDetOptions::for_evaluation();
  series.method = LogDetMethod::kSeries;
  series.probe = ProbeKind::kUnit;  // so that there is no noise
  series.probes = kD;
  for (const std::optional<std::size_t> terms : {std::optional<std::size_t>(1), {4}, {}}) {
    series.terms = terms;
    const auto estimates = model.estimate_log_density(rows, row_ids(kRows), series, 0);
    for (std::size_t i = 0; i < kRows; ++i) {
      const double error = std::fabs(estimates[i].value - exact[i]);
      CHECK(error <= estimates[i].truncation_bound + 1e-9);
      if (!terms) CHECK(estimates[i].truncation_bound <= series.max_bound);
    }
  }
  LogDetOptions roulette = LogDetOptions::for_evaluation();
  roulette.method = LogDetMethod::kRoulette;
  roulette.probes = 2000;
  roulette.terms = 4;
  const auto estimates = model.estimate_log_density(rows, row_ids(kRows), roulette, 0);
  for (std::size_t i = 0; i < kRows; ++i) {
    CHECK(std::fabs(estimates[i].value - exact[i]) < 4 * estimates[i].standard_error);
  }
}

// Mean gradient of the log-density by all parameters, and what a layer's tape took.
struct Learned {
  std::vector<double> gradient;
  std::size_t memory;
};

Learned learn(const FlowFixture& flow, const std::vector<double>& rows, const LogDetOptions& config,
              std::uint64_t seed) {
  const std::size_t prefix = flow.flow.prefix_layers(), n = rows.size() / kD;
  Tape<double> inputs(false), layer(true);
  const Var x = inputs.variable(kD, groups_for(n));
  rows_to_lanes(rows.data(), n, kD, inputs.value(x));
  const Pass<double> pass{inputs, flow.flow.layout(), flow.values.data()};
  const Var y = flow.flow.forward(pass, x, 0, prefix).y;
  const std::vector<std::uint64_t> ids = row_ids(y.groups * kLanes);
  std::vector<double> weights(ids.size(), 1.0 / static_cast<double>(ids.size())), log_p(ids.size());
  Learned result{std::vector<double>(flow.values.size(), 0), 0};
  Likelihood(flow.flow).learn(
      {inputs, layer, flow.values.data(), result.gradient.data(), config, seed, 0, ids.data(), 1},
      y, prefix, weights.data(), log_p.data());
  result.memory = layer.capacity();
  return result;
}

TEST_CASE("flow of images: the mean gradient of roulette is the exact one") {
  const FlowFixture flow(image_config());
  const std::vector<double> rows = images(kLanes);
  const Learned exact = learn(flow, rows, {}, 0);
  LogDetOptions config;
  config.method = LogDetMethod::kRoulette;
  constexpr std::size_t kRepeats = 400;
  std::vector<double> sum(exact.gradient.size(), 0), squares(exact.gradient.size(), 0);
  for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
    const Learned sample = learn(flow, rows, config, repeat + 1);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double off = sample.gradient[i] - exact.gradient[i];
      sum[i] += off;
      squares[i] += off * off;
    }
  }
  double worst = 0, mean_square = 0, count = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const double mean = sum[i] / kRepeats;
    const double variance = (squares[i] - kRepeats * mean * mean) / (kRepeats - 1);
    if (!(variance > 1e-24)) continue;  // no noise: a parameter behind the last block
    const double t = mean / std::sqrt(variance / kRepeats);
    worst = std::max(worst, std::fabs(t));
    mean_square += t * t;
    count += 1;
  }
  CHECK(count > 500);
  CHECK(worst < 5);                                               // of some thousand
  CHECK(mean_square / count == doctest::Approx(1).epsilon(0.3));  // which are correlated
}

TEST_CASE("flow of images: the gradient that couplings learn from is that of the density") {
  const FlowFixture flow(coupling_image_config());
  const std::vector<double> rows = images(kLanes);
  const Learned learned = learn(flow, rows, {}, 0);
  const std::size_t prefix = flow.flow.prefix_layers();
  const auto mean_log_density = [&](const std::vector<double>& values) {
    Tape<double> tape(false);
    const Var x = tape.variable(kD, 1);
    rows_to_lanes(rows.data(), kLanes, kD, tape.value(x));
    const Pass<double> pass{tape, flow.flow.layout(), values.data()};
    const Var y = flow.flow.forward(pass, x, 0, prefix).y;
    const double* log_p = tape.value(Likelihood(flow.flow).log_density(pass, y, prefix));
    return std::accumulate(log_p, log_p + kLanes, 0.0) / kLanes;
  };
  std::size_t checked = 0;
  for (const ParameterInfo& info : flow.flow.layout().entries()) {
    const std::size_t at = info.offset + info.size() / 2;  // one number of every parameter
    const auto moved = [&](double step) {
      std::vector<double> values = flow.values;
      values[at] += step;
      return mean_log_density(values);
    };
    constexpr double kStep = 1e-6;  // short: the slope of a spline bends at its knots
    const double expected =
        (8 * (moved(kStep) - moved(-kStep)) - (moved(2 * kStep) - moved(-2 * kStep))) / 12 / kStep;
    INFO(info.name);
    CHECK(learned.gradient[at] == doctest::Approx(expected).epsilon(1e-6));
    ++checked;
  }
  CHECK(checked > 30);
}

TEST_CASE("flow of images: memory of a step does not grow with the terms") {
  const FlowFixture flow(image_config());
  const std::vector<double> rows = images(kLanes);
  LogDetOptions config;
  config.method = LogDetMethod::kSeries;
  config.terms = 2;
  const std::size_t two = learn(flow, rows, config, 1).memory;
  config.terms = 20;
  CHECK(learn(flow, rows, config, 1).memory <= two * 11 / 10);
}

}  // namespace
}  // namespace iflow
