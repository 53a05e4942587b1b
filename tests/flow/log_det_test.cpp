#include "flow/log_det.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "flow/flow_fixture.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

std::vector<std::uint64_t> row_ids(std::size_t n) {
  std::vector<std::uint64_t> ids(n);
  std::iota(ids.begin(), ids.end(), std::uint64_t{100});
  return ids;
}

LogDetOptions estimate_options(LogDetMethod method, std::size_t probes) {
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.method = method;
  options.probes = probes;
  return options;
}

TEST_CASE("series_weights: alternating, divided by the probability to get there") {
  LogDetOptions config;
  config.method = LogDetMethod::kSeries;
  config.terms = 4;
  Rng rng(1, RngPurpose::kTest);
  CHECK(series_weights(config, rng) == std::vector<double>{1, -1, 1, -1});
  config = {.method = LogDetMethod::kRoulette, .terms = 2, .continuation = 0.5};
  // E[c_k; N >= k] = (-1)^{k+1}
  constexpr int kDraws = 40000;
  std::vector<double> mean(4, 0);
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<double> weights = series_weights(config, rng);
    REQUIRE(weights.size() >= 2);
    for (std::size_t k = 0; k < std::min(weights.size(), mean.size()); ++k) {
      mean[k] += weights[k] / kDraws;
    }
  }
  CHECK(mean[0] == doctest::Approx(1));
  CHECK(mean[1] == doctest::Approx(-1));
  CHECK(std::fabs(mean[2] - 1) < 4 * 1.0 / std::sqrt(kDraws));
  CHECK(std::fabs(mean[3] + 1) < 4 * std::sqrt(3.0 / kDraws));
}

TEST_CASE("series_weights: with a tail that falls as a power no term outweighs k^2") {
  const LogDetOptions config{
      .method = LogDetMethod::kRoulette, .terms = 2, .tail = RouletteTail::kPower};
  // The series of ln(1 + L), of a block whose Jacobian is L > 1/sqrt(2): the published roulette's
  // variance is infinite.
  constexpr double kL = 0.95;
  constexpr int kDraws = 40000;
  Rng rng(1, RngPurpose::kTest);
  double mean = 0, squares = 0;
  std::size_t third = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<double> weights = series_weights(config, rng);
    REQUIRE(weights.size() >= 2);
    third += weights.size() >= 3;
    double sum = 0, power = 1;
    for (std::size_t k = 1; k <= weights.size(); ++k) {
      power *= kL;
      const double n = k <= 2 ? 1 : static_cast<double>(k) / 2;
      CHECK(weights[k - 1] == doctest::Approx(k % 2 == 1 ? n * n : -n * n));
      sum += weights[k - 1] * power / static_cast<double>(k);
    }
    mean += sum / kDraws;
    squares += sum * sum / kDraws;
  }
  CHECK(static_cast<double>(third) / kDraws == doctest::Approx(4.0 / 9).epsilon(0.02));
  const double error = std::sqrt((squares - mean * mean) / kDraws);
  CHECK(error < 0.01);
  CHECK(std::fabs(mean - std::log1p(kL)) < 4 * error);
}

TEST_CASE("series_weights: what only evaluation knows is refused") {
  Rng rng(1, RngPurpose::kTest);
  LogDetOptions options = LogDetOptions::for_evaluation();
  CHECK_THROWS_AS(series_weights(options, rng), UsageError);  // no number of terms
  options.terms = 2;
  CHECK(series_weights(options, rng) == std::vector<double>{1, -1});
  options.method = LogDetMethod::kRoulette;
  CHECK_THROWS_AS(series_weights(options, rng), UsageError);  // the Lipschitz bound as its tail
}

TEST_CASE("roulette's tail as a number: 0 is the power law") {
  LogDetOptions options;
  CHECK(tail_to_number(options) == 0.5);
  set_tail(options, 0);
  CHECK(options.tail == RouletteTail::kPower);
  CHECK(tail_to_number(options) == 0);
  CHECK(chance_of_term(options, 3, 0.9) == doctest::Approx(4.0 / 9));
  set_tail(options, 0.25);
  CHECK(options.tail == RouletteTail::kGeometric);
  CHECK(tail_to_number(options) == 0.25);
  CHECK(chance_of_term(options, 3, 0.9) == 0.25);
  options.tail = RouletteTail::kLipschitz;
  CHECK(chance_of_term(options, 3, 0.9) == 0.9);
}

TEST_CASE("terms_for: the first number of terms whose bound is small enough") {
  for (const double l : {0.5, 0.9, 0.97}) {
    const std::size_t n = terms_for(l, 8, 0.01);
    const auto bound = [&](std::size_t terms) {
      const auto k = static_cast<double>(terms + 1);
      return 8 * std::pow(l, k) / (k * (1 - l));
    };
    CHECK(bound(n) <= 0.01);
    CHECK((n == 1 || bound(n - 1) > 0.01));
  }
}

TEST_CASE("probes: mean 0, covariance the identity, keyed by row and probe") {
  constexpr std::size_t kD = 40, kProbes = 300;
  const std::vector<std::uint64_t> rows = row_ids(kLanes);
  for (const ProbeKind kind : {ProbeKind::kRademacher, ProbeKind::kGaussian}) {
    std::vector<double> v(kProbes * kD * kLanes);
    draw_probes(kind, 7, rows.data(), 1, kD, 0, kProbes, v.data());
    const double n = kProbes * kLanes;
    for (const std::size_t i : {0, 31, 32, 39}) {
      double mean = 0, square = 0, product = 0;
      for (std::size_t p = 0; p < kProbes; ++p) {
        for (std::size_t l = 0; l < kLanes; ++l) {
          const double a = v[(p * kD + i) * kLanes + l];
          mean += a / n;
          square += a * a / n;
          product += a * v[(p * kD + (i + 1) % kD) * kLanes + l] / n;
        }
      }
      CHECK(std::fabs(mean) < 4.5 / std::sqrt(n));
      CHECK(std::fabs(square - 1) < 4.5 * std::sqrt(2 / n));
      CHECK(std::fabs(product) < 4.5 / std::sqrt(n));
    }
    // the same probe of the same row, in another lane and alone
    std::vector<double> one(kD * kLanes);
    const std::vector<std::uint64_t> same(kLanes, rows[5]);
    draw_probes(kind, 7, same.data(), 1, kD, 3, 1, one.data());
    for (std::size_t i = 0; i < kD; ++i) CHECK(one[i * kLanes] == v[(3 * kD + i) * kLanes + 5]);
  }
}

TEST_CASE("series: with unit vectors as probes the error is below the printed bound, row by row") {
  for (const double c : {0.5, 0.8, 0.97}) {
    for (const std::size_t d : {2, 8, 16, 32}) {
      const Model model = FlowFixture(flow_config(d, 3, "sine", c)).model();
      const std::vector<double> rows = random_rows(1, 50, d);
      const std::vector<double> exact = model.log_density(rows);
      for (const std::size_t terms : {1, 3, 10}) {
        LogDetOptions options = estimate_options(LogDetMethod::kSeries, d);
        options.probe = ProbeKind::kUnit;
        options.terms = terms;
        const auto estimates = model.estimate_log_density(rows, row_ids(50), options, 0);
        for (std::size_t i = 0; i < 50; ++i) {
          const double error = std::fabs(estimates[i].value - exact[i]);
          CHECK(error <= estimates[i].truncation_bound + 1e-10);
        }
      }
      LogDetOptions options = estimate_options(LogDetMethod::kSeries, d);
      options.probe = ProbeKind::kUnit;
      options.max_bound = 1e-6;
      const auto estimates = model.estimate_log_density(rows, row_ids(50), options, 0);
      for (std::size_t i = 0; i < 50; ++i) {
        CHECK(estimates[i].truncation_bound <= 1e-6);
        CHECK(std::fabs(estimates[i].value - exact[i]) <= 1e-6 + 1e-10);
      }
    }
  }
}

TEST_CASE("roulette: unbiased, and its standard error is the spread over repeats") {
  constexpr std::size_t kRepeats = 200, kRows = 8;
  for (const std::size_t d : {2, 8, 16, 32}) {
    const Model model = FlowFixture(flow_config(d, 3, "sine", 0.9)).model();
    const std::vector<double> rows = random_rows(1, kRows, d);
    const std::vector<double> exact = model.log_density(rows);
    for (const ProbeKind kind : {ProbeKind::kRademacher, ProbeKind::kGaussian}) {
      LogDetOptions options = estimate_options(LogDetMethod::kRoulette, 64);
      options.probe = kind;
      options.terms = 4;
      std::vector<double> sum(kRows, 0), squares(kRows, 0), stated(kRows, 0);
      for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
        const auto estimates = model.estimate_log_density(rows, row_ids(kRows), options, repeat);
        for (std::size_t i = 0; i < kRows; ++i) {
          const double off = estimates[i].value - exact[i];
          sum[i] += off;
          squares[i] += off * off;
          stated[i] += estimates[i].standard_error * estimates[i].standard_error / kRepeats;
          CHECK(estimates[i].truncation_bound == 0);
        }
      }
      double ratio = 0;
      for (std::size_t i = 0; i < kRows; ++i) {
        const double mean = sum[i] / kRepeats;
        const double spread = std::sqrt((squares[i] - kRepeats * mean * mean) / (kRepeats - 1));
        CHECK(std::fabs(mean) < 4 * spread / std::sqrt(double{kRepeats}));
        CHECK(std::sqrt(stated[i]) == doctest::Approx(spread).epsilon(0.2));
        ratio += std::sqrt(stated[i]) / spread / kRows;
      }
      CHECK(ratio == doctest::Approx(1).epsilon(0.07));
    }
  }
}

TEST_CASE("estimates: as many probes as a standard error needs") {
  const Model model = FlowFixture(flow_config(8, 3, "sine", 0.9)).model();
  const std::vector<double> rows = random_rows(1, 100, 8);
  LogDetOptions options = estimate_options(LogDetMethod::kSeries, 2);
  options.max_standard_error = 0.05;
  const auto estimates = model.estimate_log_density(rows, row_ids(100), options, 0);
  const auto missed = std::count_if(estimates.begin(), estimates.end(),
                                    [](const auto& e) { return e.standard_error > 0.05; });
  CHECK(missed <= 1);
}

TEST_CASE("estimates: a row's value depends on its id, not on its neighbours or the threads") {
  const Model model = FlowFixture(flow_config(5, 2, "elu", 0.9)).model();
  const std::vector<double> rows = random_rows(1, 200, 5);
  const std::vector<std::uint64_t> ids = row_ids(200);
  for (const LogDetMethod method : {LogDetMethod::kSeries, LogDetMethod::kRoulette}) {
    LogDetOptions options = estimate_options(method, 3);
    options.max_standard_error = 0.1;
    if (method == LogDetMethod::kRoulette) options.terms = 2;
    set_threads(2);
    const auto all = model.estimate_log_density(rows, ids, options, 0);
    set_threads(1);
    for (const std::size_t i : {0, 17, 63, 64, 199}) {
      const auto alone = model.estimate_log_density(std::span(rows).subspan(i * 5, 5),
                                                    std::span(ids).subspan(i, 1), options, 0);
      CHECK(alone[0].value == all[i].value);
      CHECK(alone[0].standard_error == all[i].standard_error);
      CHECK(alone[0].truncation_bound == all[i].truncation_bound);
    }
    set_threads(available_threads());
  }
}

// The gradient of the mean log-density by the flow's own parameters, and the mean itself.
struct Gradient {
  std::vector<double> values;
  double log_p = 0;
  std::size_t memory = 0;  // bytes of the tape that holds a layer
};

constexpr std::size_t kRows = 2 * kLanes;

Var load(Tape<double>& tape, const std::vector<double>& rows, std::size_t d) {
  const Var x = tape.variable(d, groups_for(kRows));
  rows_to_lanes(rows.data(), kRows, d, tape.value(x));
  return x;
}

Gradient exact_gradient(const FlowFixture& f, const std::vector<double>& rows) {
  Gradient result{std::vector<double>(f.values.size(), 0), 0, 0};
  Tape<double> tape(true);
  const Var x = load(tape, rows, f.config.dimension);
  const Var log_p = Likelihood(f.flow).log_density(
      {tape, f.flow.layout(), f.values.data(), result.values.data()}, x);
  for (std::size_t i = 0; i < kRows; ++i) result.log_p += tape.value(log_p)[i] / kRows;
  std::fill_n(tape.adjoint(log_p).data, kRows, 1.0 / kRows);
  tape.backward();
  return result;
}

Gradient estimated_gradient(const FlowFixture& f, const std::vector<double>& rows,
                            const LogDetOptions& config, std::uint64_t seed,
                            std::size_t tile_groups = 2, double jacobian_penalty = 0) {
  // what the gradients were before does not count
  Gradient result{std::vector<double>(f.values.size(), std::numeric_limits<double>::quiet_NaN()), 0,
                  0};
  Tape<double> inputs(false), tape(true);
  const Var x = load(inputs, rows, f.config.dimension);
  const std::vector<std::uint64_t> ids = row_ids(kRows);
  const std::vector<double> weights(kRows, 1.0 / kRows);
  std::vector<double> log_p(kRows);
  Likelihood(f.flow).learn({inputs, tape, f.values.data(), result.values.data(), config, seed, 0,
                            ids.data(), tile_groups, nullptr, 0, jacobian_penalty},
                           x, 0, weights.data(), log_p.data());
  for (const double value : log_p) result.log_p += value / kRows;
  result.memory = tape.capacity();
  return result;
}

TEST_CASE("learning: layer by layer, the exact gradient is that of the whole tape") {
  for (const char* activation : {"sine", "clipswish"}) {
    const FlowFixture f(flow_config(4, 3, activation));
    const std::vector<double> rows = random_rows(1, kRows, 4);
    const Gradient expected = exact_gradient(f, rows), found = estimated_gradient(f, rows, {}, 1);
    CHECK(found.log_p == doctest::Approx(expected.log_p).epsilon(1e-12));
    for (std::size_t i = 0; i < f.values.size(); ++i) {
      CHECK(Tolerance{1e-10, 1e-10}.holds(found.values[i], expected.values[i]));
    }
  }
}

// The mean over the rows of sum over blocks of ||J||_F^2, J the differences of y - x.
double mean_squared_jacobians(const FlowFixture& f, const std::vector<double>& values,
                              const std::vector<double>& rows) {
  constexpr double kStep = 1e-5;
  const std::size_t d = f.config.dimension;
  Tape<double> tape(false);
  const Pass<double> pass{tape, f.flow.layout(), values.data(), nullptr};
  Var x = load(tape, rows, d);
  double sum = 0;
  for (std::size_t layer = 0; layer < f.flow.layer_count(); ++layer) {
    const bool block = std::holds_alternative<ResidualBlockConfig>(f.config.layers[layer]);
    for (std::size_t j = 0; block && j < d; ++j) {
      const auto moved = [&](double step) {
        const Var at = tape.variable(x.elements, x.groups);
        for (std::size_t i = 0; i < x.size(); ++i) {
          tape.value(at)[i] = tape.value(x)[i] + (i / kLanes % d == j ? step : 0);
        }
        return f.flow.layer(layer).transform(pass, at);
      };
      const Var above = moved(kStep), below = moved(-kStep);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double slope = (tape.value(above)[i] - tape.value(below)[i]) / (2 * kStep);
        sum += std::pow(slope - (i / kLanes % d == j ? 1 : 0), 2) / kRows;
      }
    }
    x = f.flow.layer(layer).transform(pass, x);
  }
  return sum;
}

TEST_CASE(
    "learning: the Jacobian penalty changes the gradient by that of ||J||_F^2, and no value") {
  constexpr double kPenalty = 3, kStep = 1e-4;
  for (const std::size_t tile_groups : {2, 1'000'000}) {
    const FlowFixture f(flow_config(3, 2, "sine"));
    const std::vector<double> rows = random_rows(1, kRows, 3);
    const Gradient plain = estimated_gradient(f, rows, {}, 1, tile_groups);
    const Gradient found = estimated_gradient(f, rows, {}, 1, tile_groups, kPenalty);
    CHECK(found.log_p == plain.log_p);
    for (std::size_t i = 0; i < f.values.size(); ++i) {
      std::vector<double> above = f.values, below = f.values;
      above[i] += kStep, below[i] -= kStep;
      const double slope =
          (mean_squared_jacobians(f, above, rows) - mean_squared_jacobians(f, below, rows)) /
          (2 * kStep);
      const double expected = plain.values[i] - kPenalty / 2 * slope;
      CHECK(Tolerance{1e-5, 1e-5}.holds(found.values[i], expected));
    }
  }
}

// A tile of a million groups has room for one layer on the tape, a small one for all of them.
TEST_CASE("learning: how rows and layers are cut changes no more than rounding") {
  const FlowFixture f(flow_config(4, 3, "sine"));
  const std::vector<double> rows = random_rows(1, kRows, 4);
  for (const LogDetMethod method : {LogDetMethod::kExact, LogDetMethod::kRoulette}) {
    const LogDetOptions config{.method = method};
    const Gradient expected = estimated_gradient(f, rows, config, 1, kRows / kLanes);
    for (const std::size_t tile_groups : {1, 1'000'000}) {
      const Gradient found = estimated_gradient(f, rows, config, 1, tile_groups);
      CHECK(found.log_p == doctest::Approx(expected.log_p).epsilon(1e-13));
      for (std::size_t i = 0; i < f.values.size(); ++i) {
        CHECK(Tolerance{1e-12, 1e-12}.holds(found.values[i], expected.values[i]));
      }
    }
  }
}

TEST_CASE("learning: with unit probes Neumann and basic give the gradient of the series") {
  // enough terms that nothing of the series is missing
  for (const char* activation : {"sine", "clipswish", "elu"}) {
    const FlowFixture f(flow_config(3, 2, activation, 0.6));
    const std::vector<double> rows = random_rows(1, kRows, 3);
    const Gradient expected = exact_gradient(f, rows);
    for (const LogDetGradient gradient : {LogDetGradient::kNeumann, LogDetGradient::kBasic}) {
      const LogDetOptions config{.method = LogDetMethod::kSeries,
                                 .gradient = gradient,
                                 .probe = ProbeKind::kUnit,
                                 .probes = 3,
                                 .terms = 25};
      const Gradient found = estimated_gradient(f, rows, config, 1);
      CHECK(found.log_p == doctest::Approx(expected.log_p).epsilon(1e-7));
      for (std::size_t i = 0; i < f.values.size(); ++i) {
        CHECK(Tolerance{1e-6, 1e-6}.holds(found.values[i], expected.values[i]));
      }
    }
  }
}

TEST_CASE("learning: each estimator's mean gradient is the exact one, within its error") {
  const FlowFixture f(flow_config(6, 2, "sine", 0.7));
  const std::vector<double> rows = random_rows(1, kRows, 6);
  const Gradient expected = exact_gradient(f, rows);
  struct Case {
    LogDetMethod method;
    LogDetGradient gradient;
    ProbeKind probe;
    std::size_t terms;
    RouletteTail tail = RouletteTail::kGeometric;
  };
  // the series with so many terms that what it leaves out (.7^90) does not count
  const std::vector<Case> cases = {
      {LogDetMethod::kRoulette, LogDetGradient::kNeumann, ProbeKind::kRademacher, 2},
      {LogDetMethod::kRoulette, LogDetGradient::kNeumann, ProbeKind::kGaussian, 3},
      {LogDetMethod::kRoulette, LogDetGradient::kNeumann, ProbeKind::kRademacher, 2,
       RouletteTail::kPower},
      {LogDetMethod::kRoulette, LogDetGradient::kBasic, ProbeKind::kRademacher, 2},
      {LogDetMethod::kSeries, LogDetGradient::kNeumann, ProbeKind::kRademacher, 30},
      {LogDetMethod::kSeries, LogDetGradient::kBasic, ProbeKind::kGaussian, 30}};
  constexpr std::size_t kDraws = 300;
  for (const Case& c : cases) {
    const LogDetOptions config{.method = c.method,
                               .gradient = c.gradient,
                               .probe = c.probe,
                               .probes = 1,
                               .terms = c.terms,
                               .tail = c.tail};
    const std::size_t n = f.values.size();
    std::vector<double> sum(n, 0), squares(n, 0);
    double log_p = 0, log_p_squares = 0;
    for (std::size_t draw = 0; draw < kDraws; ++draw) {
      const Gradient g = estimated_gradient(f, rows, config, draw);
      for (std::size_t i = 0; i < n; ++i) {
        sum[i] += g.values[i] - expected.values[i];
        squares[i] += std::pow(g.values[i] - expected.values[i], 2);
      }
      log_p += g.log_p - expected.log_p;
      log_p_squares += std::pow(g.log_p - expected.log_p, 2);
    }
    // the mean square of the standardised errors is 1 within a few tens of percent, the largest
    // of some two hundred hardly above 4.5
    double chi_squared = 0, largest = 0;
    std::size_t counted = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double mean = sum[i] / kDraws;
      const double error = std::sqrt((squares[i] / kDraws - mean * mean) / (kDraws - 1));
      if (!(error > 1e-12)) {
        CHECK(std::fabs(mean) < 1e-9);
        continue;
      }
      const double standardised = mean / error;
      chi_squared += standardised * standardised;
      largest = std::max(largest, std::fabs(standardised));
      ++counted;
    }
    CHECK(counted > 100);
    CHECK(largest < 5);
    CHECK(chi_squared / static_cast<double>(counted) < 2);
    const double mean = log_p / kDraws;
    CHECK(std::fabs(mean) < 4.5 * std::sqrt(log_p_squares / kDraws / kDraws));
  }
}

TEST_CASE("learning: Neumann's memory does not grow with the terms, the basic estimator's does") {
  FlowConfig config = flow_config(16, 1, "sine");
  for (LayerConfig& layer : config.layers) {
    // wide enough to fill more than the first piece of a tape's memory
    if (auto* block = std::get_if<ResidualBlockConfig>(&layer)) {
      block->branch.hidden = {256, 256, 256};
    }
  }
  const FlowFixture f(config);
  const std::vector<double> rows = random_rows(1, kRows, 16);
  const auto memory = [&](LogDetGradient gradient, std::size_t terms) {
    const LogDetOptions log_det{
        .method = LogDetMethod::kSeries, .gradient = gradient, .terms = terms};
    return static_cast<double>(estimated_gradient(f, rows, log_det, 1).memory);
  };
  CHECK(memory(LogDetGradient::kNeumann, 20) <= 1.1 * memory(LogDetGradient::kNeumann, 2));
  CHECK(memory(LogDetGradient::kBasic, 20) > 3 * memory(LogDetGradient::kBasic, 2));
}

}  // namespace
}  // namespace iflow
