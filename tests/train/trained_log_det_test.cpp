// The estimators of the log-determinant and the bounds of the inverse on models that have been
// trained, briefly: learned weights are far from the random ones of other tests.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "flow/flow_twin.h"
#include "model/flow_model.h"
#include "recipes/defaults.h"
#include "train/trainer.h"

namespace iflow {
namespace {

// A chain x_j = sin(2 x_{j-1}) + e_j / 2, (n, d): every column bends with the one before.
std::vector<double> chain(std::uint64_t key, std::size_t n, std::size_t d) {
  Rng rng(key, RngPurpose::kTest, d);
  std::vector<double> rows(n * d);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = (i % d == 0 ? 0 : std::sin(2 * rows[i - 1])) + rng.normal() / 2;
  }
  return rows;
}

Model trained(std::size_t d, double c) {
  FlowOptions options;
  options.blocks = 3;
  options.hidden = {16, 16};
  options.activation = "sine";
  options.activation_start = 3;
  options.coefficient = c;
  const StandardiseConfig units{std::vector<double>(d, 0), std::vector<double>(d, 1)};
  const FlowConfig flow = make_flow(options, units);
  TrainConfig config;
  config.steps = 150;
  config.batch = 100;
  config.learning_rate = 1e-2;
  config.ema = 0.9;
  config.validate_every = 50;
  config.log_det = default_log_det(d, 1000);
  config.log_det.terms = 2;
  TrainingData data;
  const std::vector<double> rows = chain(1, 1000, d), held_out = chain(2, 100, d);
  data.rows = std::make_shared<const std::vector<float>>(rows.begin(), rows.end());
  data.validation = held_out;
  Trainer trainer(flow, config, data);
  trainer.start();
  while (!trainer.finished()) trainer.advance([](std::uint64_t, double) { return true; });
  const std::vector<HistoryPoint>& history = trainer.state().history;
  // it has learned something: by a tenth of a nat and more
  CHECK(history.back().validation_loss < history.front().training_loss - 0.1);
  Model model(flow, trainer.state().best);
  // and uses the Lipschitz constant it may have
  for (const double bound : model.lipschitz_bounds()) {
    if (bound > 0) CHECK(bound > 0.9 * c * c * c);
  }
  return model;
}

std::vector<std::uint64_t> ids(std::size_t n) {
  std::vector<std::uint64_t> result(n);
  std::iota(result.begin(), result.end(), std::uint64_t{0});
  return result;
}

// With the unit vectors as probes the series has no error but its truncation's.
void check_series(const Model& model) {
  constexpr std::size_t kRows = 30;
  const std::vector<double> rows = chain(3, kRows, model.dimension());
  const std::vector<double> exact = model.log_density(rows);
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.probe = ProbeKind::kUnit;
  options.probes = model.dimension();
  std::size_t above = 0;
  for (const std::size_t terms : {1, 2, 5, 20}) {
    options.terms = terms;
    const auto estimates = model.estimate_log_density(rows, ids(kRows), options, 0);
    for (std::size_t i = 0; i < kRows; ++i) {
      const double error = std::fabs(estimates[i].value - exact[i]);
      if (!(error <= estimates[i].truncation_bound + 1e-10)) ++above;
    }
  }
  CHECK(above == 0);
}

void check_roulette(const Model& model) {
  constexpr std::size_t kRepeats = 200, kRows = 4;
  const std::vector<double> rows = chain(4, kRows, model.dimension());
  const std::vector<double> exact = model.log_density(rows);
  LogDetOptions options = LogDetOptions::for_evaluation();
  options.method = LogDetMethod::kRoulette;
  options.probes = 64;
  options.terms = 4;
  std::vector<double> sum(kRows, 0), squares(kRows, 0), stated(kRows, 0);
  for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
    const auto estimates = model.estimate_log_density(rows, ids(kRows), options, repeat);
    for (std::size_t i = 0; i < kRows; ++i) {
      const double off = estimates[i].value - exact[i];
      sum[i] += off;
      squares[i] += off * off;
      stated[i] += estimates[i].standard_error * estimates[i].standard_error / kRepeats;
    }
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    const double mean = sum[i] / kRepeats;
    const double spread = std::sqrt((squares[i] - kRepeats * mean * mean) / (kRepeats - 1));
    CHECK(std::fabs(mean) < 4 * spread / std::sqrt(double{kRepeats}));
    CHECK(std::sqrt(stated[i]) == doctest::Approx(spread).epsilon(0.2));
  }
}

// Bounds of the inverse against the flow's twin in long double.
void check_inverse(const Model& model) {
  constexpr std::size_t kRows = 20;
  const std::size_t d = model.dimension();
  const std::vector<double> z = model.sample_latent(5, 0, kRows, 1);
  const FlowTwin twin(model);
  InverseOptions options;
  options.local = true;
  InversionReport report;
  const std::vector<double> x = model.decode(z, options, report);
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto first = z.begin() + static_cast<std::ptrdiff_t>(i * d);
    std::vector<Wide> off = twin.inverse({first, first + static_cast<std::ptrdiff_t>(d)});
    for (std::size_t j = 0; j < d; ++j) off[j] -= x[i * d + j];
    CHECK(wide_norm(off) <= report.bound[i]);
  }
}

TEST_CASE("trained models: series, roulette and inverse keep their promises") {
  for (const std::size_t d : {2, 8, 16, 32}) {
    for (const double c : {0.5, 0.8, 0.97}) {
      INFO("d = ", d, ", c = ", c);
      const Model model = trained(d, c);
      check_series(model);
      check_inverse(model);
      if (c != 0.8) check_roulette(model);
    }
  }
}

}  // namespace
}  // namespace iflow
