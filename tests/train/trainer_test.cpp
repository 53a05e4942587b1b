#include "train/trainer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mean_and_error.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "baselines/gaussian.h"
#include "flow/lanes.h"
#include "model/flow_model.h"
#include "objective/likelihood.h"
#include "recipes/defaults.h"
#include "train/schedule.h"

namespace iflow {
namespace {

// Rows of two Gaussians, d columns: at +-2 along the diagonal, deviation 0.7, in units of their
// own.
std::vector<double> two_hills(std::uint64_t key, std::size_t n, std::size_t d) {
  Rng rng(key, RngPurpose::kTest, d);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const double centre = rng.below(2) ? 2 : -2;
    for (std::size_t j = 0; j < d; ++j) rows.push_back(5 + 3 * (centre + 0.7 * rng.normal()));
  }
  return rows;
}

StandardiseConfig statistics(const std::vector<double>& rows, std::size_t d) {
  const Gaussian fitted = fit_gaussian(rows, d);
  StandardiseConfig config{fitted.mean, {}};
  for (std::size_t j = 0; j < d; ++j) {
    config.deviation.push_back(std::sqrt(fitted.covariance[j * (d + 1)]));
  }
  return config;
}

// Training data that are still to be changed.
struct Rows {
  std::vector<float> rows;
  double mean_log_det = 0;
  std::vector<double> validation, weights, validation_weights;
  DrawRows draw = nullptr;
  std::size_t drawn_rows = 0;

  TrainingData shared() const {
    return {std::make_shared<const std::vector<float>>(rows),
            mean_log_det,
            validation,
            draw,
            drawn_rows,
            weights,
            validation_weights};
  }
};

// What a training run needs; it must outlive its trainers.
struct Problem {
  std::size_t d;
  std::vector<double> rows, held_out;
  FlowConfig flow;
  TrainConfig train;
  Rows data;

  Problem(std::size_t dimension, std::size_t n, std::size_t blocks)
      : d(dimension), rows(two_hills(1, n, d)), held_out(two_hills(2, 500, d)) {
    const StandardiseConfig units = statistics(rows, d);
    FlowOptions options;
    options.blocks = blocks;
    options.hidden = {16, 16};
    options.activation = "sine";
    options.activation_start = 4;
    options.coefficient = 0.97;
    flow = make_flow(options, units);
    train.steps = 60;
    train.batch = 200;
    train.validate_every = 10;
    train.ema = 0.9;
    train.seed = 3;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      data.rows.push_back(
          static_cast<float>((rows[i] - units.mean[i % d]) / units.deviation[i % d]));
    }
    for (const double deviation : units.deviation) data.mean_log_det -= std::log(deviation);
    data.validation = held_out;
  }

  Trainer trainer() const { return {flow, train, data.shared()}; }
};

// The lower triangular factor of the covariance. (Cholesky)
WhitenConfig whiten_with(const Gaussian& gaussian) {
  const std::size_t d = gaussian.mean.size();
  WhitenConfig config{std::vector<double>(d * d, 0)};
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = gaussian.covariance[i * d + j];
      for (std::size_t k = 0; k < j; ++k)
        rest -= config.factor[i * d + k] * config.factor[j * d + k];
      config.factor[i * d + j] = i == j ? std::sqrt(rest) : rest / config.factor[j * (d + 1)];
    }
  }
  return config;
}

bool keep_on(std::uint64_t, double) { return true; }

void run(Trainer& trainer, std::uint64_t up_to = std::numeric_limits<std::uint64_t>::max()) {
  while (!trainer.finished() && trainer.state().step < up_to) trainer.advance(keep_on);
}

double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

void check_same(const TrainState& a, const TrainState& b) {
  CHECK(a.step == b.step);
  CHECK(a.raw == b.raw);
  CHECK(a.average == b.average);
  CHECK(a.m == b.m);
  CHECK(a.v == b.v);
  CHECK(a.rate_factor == b.rate_factor);
  CHECK(a.best_step == b.best_step);
  CHECK(a.best_loss == b.best_loss);
  CHECK(a.best == b.best);
  REQUIRE(a.power.size() == b.power.size());
  for (std::size_t i = 0; i < a.power.size(); ++i) {
    CHECK(a.power[i].u == b.power[i].u);
    CHECK(a.power[i].v == b.power[i].v);
  }
  REQUIRE(a.history.size() == b.history.size());
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    CHECK(a.history[i].step == b.history[i].step);
    CHECK(a.history[i].training_loss == b.history[i].training_loss);
    CHECK(a.history[i].validation_loss == b.history[i].validation_loss);
  }
}

TEST_CASE("trainer: asking for its memory changes nothing of a run") {
  const Problem problem(2, 500, 3);
  Trainer asked = problem.trainer(), other = problem.trainer();
  asked.start();
  other.start();
  run(asked, 20);
  run(other, 20);
  const TrainingMemory memory = asked.memory();
  // Two states of five vectors each, and what is in effect.
  CHECK(memory.parameters >= 11 * asked.flow().layout().size() * sizeof(float));
  CHECK(memory.step > problem.train.batch * problem.d * sizeof(float));
  run(asked);
  run(other);
  check_same(asked.state(), other.state());
}

TEST_CASE("trainer: the memory of a step does not grow with the terms") {
  Problem problem(20, 300, 2);
  problem.train.log_det.method = LogDetMethod::kRoulette;
  const auto memory = [&](std::size_t terms) {
    problem.train.log_det.terms = terms;
    Trainer trainer = problem.trainer();
    trainer.start();
    return trainer.memory();
  };
  const TrainingMemory few = memory(2), many = memory(20);
  CHECK(few.step == many.step);
  CHECK(few.parameters == many.parameters);
}

TEST_CASE("trainer: one, two and three threads give the same bits") {
  Problem problem(2, 600, 3);
  problem.train.l1 = 0.1;
  problem.train.clip = 1;
  const int before = threads();
  TrainState expected;
  for (const int n_threads : {1, 2, 3}) {
    set_threads(n_threads);
    Trainer trainer = problem.trainer();
    trainer.start();
    run(trainer, 20);
    if (n_threads == 1) expected = trainer.state();
    INFO(n_threads, " threads");
    check_same(trainer.state(), expected);
  }
  set_threads(before);
}

TEST_CASE("trainer: a resumed run ends with the bits of an uninterrupted one") {
  const Problem problem(2, 300, 2);
  Trainer whole = problem.trainer();
  whole.start();
  run(whole);
  CHECK(whole.state().step == 60);
  CHECK(whole.state().history.size() == 7);
  for (const std::uint64_t at : {0, 10, 30, 50}) {
    Trainer first = problem.trainer();
    first.start();
    run(first, at);
    Trainer second = problem.trainer();
    second.resume(first.state());
    check_same(second.state(), first.state());
    run(second);
    INFO("resumed at ", at);
    check_same(second.state(), whole.state());
  }
}

TEST_CASE("trainer: rows are drawn anew for every pass, also when resumed within one") {
  Problem problem(2, 300, 2);  // 128 rows a step: passes begin between validations
  const std::vector<float> rows = problem.data.rows;
  std::vector<std::uint64_t> passes;
  problem.data.draw = [&](std::span<const std::uint32_t> numbers, std::uint64_t pass) {
    passes.push_back(pass);
    PrefixedRows drawn{{}, static_cast<double>(pass)};
    for (const std::uint32_t number : numbers) {
      for (std::size_t j = 0; j < 2; ++j) {
        drawn.rows.push_back(rows[2 * number + j] + 0.01F * static_cast<float>(pass));
      }
    }
    return drawn;
  };
  problem.data.drawn_rows = 300;
  Trainer whole = problem.trainer();
  whole.start();
  run(whole, 20);
  const TrainState middle = whole.state();
  // The initial parameters and the loss in front of the first step see the first pass.
  REQUIRE(passes.size() == 2 + middle.step);
  for (std::size_t step = 0; step < middle.step; ++step) {
    CHECK(passes[2 + step] == step * problem.train.batch / 300);
  }
  run(whole);
  Trainer resumed = problem.trainer();
  resumed.resume(middle);
  run(resumed);
  check_same(resumed.state(), whole.state());
}

TEST_CASE("trainer: rows that are drawn are as good as rows that are given") {
  Problem problem(2, 300, 2);
  Trainer given = problem.trainer();
  given.start();
  run(given);
  problem.data.draw = [rows = problem.data.rows, mean = problem.data.mean_log_det](
                          std::span<const std::uint32_t> numbers, std::uint64_t) {
    PrefixedRows drawn{{}, mean};
    for (const std::uint32_t number : numbers) {
      drawn.rows.insert(drawn.rows.end(), {rows[2 * number], rows[2 * number + 1]});
    }
    return drawn;
  };
  problem.data.drawn_rows = 300;
  problem.data.rows.clear();
  Trainer drawn = problem.trainer();
  drawn.start();
  run(drawn);
  check_same(drawn.state(), given.state());
}

TEST_CASE("trainer: the table is shared, not copied") {
  const Problem problem(2, 100, 1);
  const TrainingData data = problem.data.shared();
  const Trainer one(problem.flow, problem.train, data), other(problem.flow, problem.train, data);
  CHECK(data.rows.use_count() == 3);
}

TEST_CASE("trainer: the loss is weighted, and rows of weight 0 have no part in a step") {
  Problem problem(2, 300, 2);
  Trainer plain = problem.trainer();
  plain.start();
  const TrainState state = plain.state();
  problem.data.weights.assign(300, 1);
  Trainer equal = problem.trainer();
  equal.resume(state);
  Trainer other = problem.trainer();
  other.resume(state);
  CHECK(equal.step() == other.step());
  for (std::size_t i = 0; i < 300; i += 3) problem.data.weights[i] = 0;
  Trainer weighted = problem.trainer();
  weighted.resume(state);
  for (std::size_t i = 0; i < 300; i += 3)
    problem.data.rows[2 * i] = problem.data.rows[2 * i + 1] = 1;
  Trainer changed = problem.trainer();
  changed.resume(state);
  for (int step = 0; step < 5; ++step) CHECK(weighted.step() == changed.step());
  // Validation: weights that are all on one row leave that row's.
  problem.data.validation_weights.assign(500, 0);
  problem.data.validation_weights[7] = 2;
  Trainer one_row = problem.trainer();
  one_row.start();
  const TrainState now = one_row.state();
  const double log_p = Model(problem.flow, now.best).log_density(problem.held_out)[7];
  CHECK(now.best_loss == doctest::Approx(-log_p));
}

TEST_CASE("trainer: a run depends on its seed") {
  Problem problem(2, 300, 2);
  Trainer one = problem.trainer();
  one.start();
  problem.train.seed = 4;
  Trainer other = problem.trainer();
  other.start();
  CHECK(one.state().raw != other.state().raw);
}

// The gradient of the first step's loss in double, by the raw parameters, the vectors of the power
// iteration held fixed.
std::vector<double> gradient_in_double(const Problem& problem, const TrainState& state) {
  const Flow<double> flow = build_flow<double>(problem.flow);
  const ParameterLayout& layout = flow.layout();
  std::vector<double> values(state.raw.begin(), state.raw.end()), gradients(layout.size(), 0);
  std::vector<double> sigma(layout.entries().size(), 0);
  for (std::size_t p = 0; p < sigma.size(); ++p) {
    const ParameterInfo& info = layout[p];
    if (info.max_norm == 0) continue;
    double* w = values.data() + info.offset;
    for (std::size_t i = 0; i < info.size(); ++i) {
      sigma[p] +=
          double{state.power[p].u[i / info.columns]} * w[i] * state.power[p].v[i % info.columns];
    }
    for (std::size_t i = 0; i < info.size(); ++i) w[i] *= std::min(1.0, info.max_norm / sigma[p]);
  }
  const std::size_t d = problem.d, n = problem.train.batch;
  std::vector<double> rows;
  Batches batches(problem.rows.size() / d, n, problem.train.seed);
  for (const std::uint32_t row : batches.at(0)) {
    for (std::size_t j = 0; j < d; ++j) rows.push_back(problem.data.rows[row * d + j]);
  }
  Tape<double> tape(true);
  const Var x = tape.variable(d, groups_for(n));
  rows_to_lanes(rows.data(), n, d, tape.value(x));
  const Var log_p = Likelihood(flow).log_density({tape, layout, values.data(), gradients.data()}, x,
                                                 flow.prefix_layers());
  double* seed = tape.adjoint(log_p).data;
  for (std::size_t i = 0; i < log_p.size(); ++i)
    seed[i] = i < n ? -1.0 / static_cast<double>(n) : 0;
  tape.backward();
  for (std::size_t p = 0; p < sigma.size(); ++p) {
    const ParameterInfo& info = layout[p];
    if (info.max_norm == 0 || sigma[p] <= info.max_norm) continue;
    const double s = info.max_norm / sigma[p];
    double* g = gradients.data() + info.offset;
    double along = 0;
    for (std::size_t i = 0; i < info.size(); ++i) along += g[i] * state.raw[info.offset + i];
    for (std::size_t i = 0; i < info.size(); ++i) {
      g[i] = s * g[i] - s / sigma[p] * along * state.power[p].u[i / info.columns] *
                            state.power[p].v[i % info.columns];
    }
  }
  return gradients;
}

TEST_CASE("trainer: the gradient of a step is that of double precision but for rounding") {
  for (const std::size_t batch : {200, 64, 7, 2000}) {
    Problem problem(3, 500, 3);
    problem.train.batch = batch;
    problem.train.validate_every = 1;
    Trainer trainer = problem.trainer();
    trainer.start();
    const std::vector<double> expected = gradient_in_double(problem, trainer.state());
    trainer.advance(keep_on);
    // After the first step m = (1 - beta1) g.
    const std::vector<float>& m = trainer.state().m;
    for (const ParameterInfo& info : trainer.flow().layout().entries()) {
      double worst = 0, largest = 0;
      for (std::size_t i = info.offset; i < info.offset + info.size(); ++i) {
        worst = std::max(worst, std::fabs(m[i] / 0.1 - expected[i]));
        largest = std::max(largest, std::fabs(expected[i]));
      }
      INFO("batch ", batch, ", ", info.name, ": ", worst, " of ", largest);
      CHECK(worst <= 1e-4 * largest + 1e-6);
    }
  }
}

TEST_CASE("trainer: the average is exponential, and forgets the first parameters soon") {
  Problem problem(2, 300, 1);
  problem.train.validate_every = 1;
  problem.train.ema = 0.5;
  Trainer trainer = problem.trainer();
  trainer.start();
  std::vector<float> average = trainer.state().raw;
  CHECK(trainer.state().average == average);
  for (int t = 1; t <= 20; ++t) {
    trainer.advance(keep_on);
    // The decay rises as t / (t + 10) up to its plan.
    const double decay = std::min(0.5, t / (t + 10.0));
    double worst = 0;
    for (std::size_t i = 0; i < average.size(); ++i) {
      const double expected = decay * average[i] + (1 - decay) * trainer.state().raw[i];
      worst = std::max(worst, std::fabs(trainer.state().average[i] - expected));
    }
    CHECK(worst < 1e-5);
    average = trainer.state().average;
  }
}

// Two runs that differ by the penalty alone part with their first step, and by nothing but the
// threshold.
TEST_CASE("trainer: l1 shrinks the normalised weights by rate times strength, and nothing else") {
  Problem problem(2, 400, 2);
  problem.train.validate_every = 1;
  Trainer plain = problem.trainer();
  plain.start();
  plain.advance(keep_on);
  problem.train.l1 = 2;
  Trainer shrunk = problem.trainer();
  shrunk.start();
  shrunk.advance(keep_on);
  const float threshold = static_cast<float>(
      problem.train.learning_rate *
      learning_rate_factor(0, problem.train.steps, problem.train.warmup) * problem.train.l1);
  REQUIRE(threshold > 1e-3F);
  std::size_t zeros = 0;
  for (const ParameterInfo& info : plain.flow().layout().entries()) {
    CAPTURE(info.name);
    for (std::size_t i = info.offset; i < info.offset + info.size(); ++i) {
      const float before = plain.state().raw[i];
      const float magnitude = std::fmax(std::fabs(before) - threshold, 0.0F);
      const float expected = info.max_norm > 0 ? std::copysign(magnitude, before) : before;
      CHECK(shrunk.state().raw[i] == expected);
      if (info.max_norm > 0 && shrunk.state().raw[i] == 0) ++zeros;
    }
  }
  CHECK(zeros > 0);
}

// The largest norm of a parameter's gradient in the step from `before` to `after`, as Adam's first
// moment saw it, in units of the usual one.
double largest_gradient(const Trainer& trainer, const TrainState& before, const TrainState& after) {
  const AdamConfig adam;
  const double gathered = 1 - std::pow(adam.beta2, static_cast<double>(before.step));
  double largest = 0;
  for (const ParameterInfo& info : trainer.flow().layout().entries()) {
    double squares = 0, usual = 0;
    for (std::size_t i = info.offset; i < info.offset + info.size(); ++i) {
      const double g = (after.m[i] - adam.beta1 * before.m[i]) / (1 - adam.beta1);
      squares += g * g;
      usual += before.v[i] / gathered;
    }
    largest = std::max(largest, std::sqrt(squares / usual));
  }
  return largest;
}

TEST_CASE("trainer: a wild row counts no more than the clip lets it, tame ones as ever") {
  Problem problem(2, 64, 2);
  problem.train.batch = 64;
  problem.train.validate_every = 10;
  Trainer tame = problem.trainer();
  tame.start();
  tame.advance(keep_on);
  const TrainState& before = tame.state();
  const auto step_with = [&](float number, double clip) {
    Problem other = problem;
    other.train.validate_every = 1;
    other.train.clip = clip;
    other.data.rows[7] = number;
    Trainer trainer = other.trainer();
    trainer.resume(before);
    trainer.advance(keep_on);
    return trainer.state();
  };
  constexpr float kWild = 300;
  const float usual = problem.data.rows[7];
  CHECK(largest_gradient(tame, before, step_with(kWild, 0)) > 20);
  CHECK(largest_gradient(tame, before, step_with(kWild, 2)) == doctest::Approx(2).epsilon(1e-4));
  check_same(step_with(usual, 20), step_with(usual, 0));
}

TEST_CASE("trainer: losses are those of the model, in the data's own units") {
  const Problem problem(2, 300, 2);
  Trainer trainer = problem.trainer();
  trainer.start();
  const TrainState& state = trainer.state();
  REQUIRE(state.history.size() == 1);
  CHECK(state.history[0].step == 0);
  const Model model(problem.flow, state.best);
  CHECK(state.history[0].validation_loss ==
        doctest::Approx(-mean(model.log_density(problem.held_out))));
  std::vector<double> batch;
  Batches batches(300, 200, problem.train.seed);
  for (const std::uint32_t row : batches.at(0)) {
    batch.insert(batch.end(), {problem.rows[2 * row], problem.rows[2 * row + 1]});
  }
  CHECK(state.history[0].training_loss ==
        doctest::Approx(-mean(model.log_density(batch))).epsilon(1e-4));
}

// The flow of a table begins as the Gaussian of its rows, all of them, however they count.
TEST_CASE("trainer: a Gaussian table begins at its Gaussian's log-density") {
  constexpr std::size_t kD = 4;
  for (const std::size_t n : {15, 31, 100, 5000}) {
    for (const bool weighted : {false, true}) {
      INFO(n, " rows, weighted: ", weighted);
      Rng rng(1, RngPurpose::kTest, n);
      std::vector<double> rows, weights;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < kD; ++j) {
          rows.push_back(rng.normal() + (j > 0 ? rows[i * kD] : 0));
        }
        if (weighted) weights.push_back(i % 2 == 0 ? 1.5 : 0.5);
      }
      if (weighted && n % 2 == 1) weights.back() = 1;  // of mean 1
      const Gaussian gaussian = fit_gaussian(rows, kD, weights);
      const StandardiseConfig units{gaussian.mean, std::vector<double>(kD, 1)};
      FlowOptions options;
      options.blocks = 2;
      options.hidden = {8};
      options.activation = "sine";
      options.activation_start = 1;
      options.coefficient = 0.9;
      options.start_gain = 0;  // blocks begin as the identity
      const FlowConfig flow = make_flow(options, units, whiten_with(gaussian));
      const PrefixedRows prefixed = rows_after_prefix(flow, rows, weights);
      TrainConfig config;
      config.steps = 1;
      const TrainingData data{std::make_shared<const std::vector<float>>(prefixed.rows),
                              prefixed.mean_log_det,
                              rows,
                              nullptr,
                              0,
                              weights,
                              weights};
      Trainer trainer(flow, config, data);
      trainer.start();
      const double expected = -mean_and_error(log_density(gaussian, rows), weights).mean;
      CHECK(std::fabs(trainer.state().history[0].validation_loss - expected) < 1e-5);
    }
  }
}

TEST_CASE("trainer: learns two hills better than a Gaussian does") {
  for (const std::size_t d : {1, 5}) {
    Problem problem(d, 2000, 6);
    problem.train.steps = 300;
    problem.train.batch = 64;
    problem.train.validate_every = 50;
    Trainer trainer = problem.trainer();
    trainer.start();
    run(trainer);
    const std::vector<HistoryPoint>& history = trainer.state().history;
    INFO("d = ", d);
    CHECK(history.back().training_loss < history.front().training_loss);
    const double flow =
        mean(Model(problem.flow, trainer.state().best).log_density(problem.held_out));
    const double gaussian = mean(log_density(fit_gaussian(problem.rows, d), problem.held_out));
    CHECK(flow > gaussian + 0.2);
    // and not better than the truth
    double truth = 0;
    for (std::size_t i = 0; i < 500; ++i) {
      double up = 0, down = 0;
      for (std::size_t j = 0; j < d; ++j) {
        const double x = (problem.held_out[i * d + j] - 5) / 3;
        up -= (x - 2) * (x - 2) / (2 * 0.49);
        down -= (x + 2) * (x + 2) / (2 * 0.49);
      }
      const double top = std::max(up, down);
      truth += top + std::log(std::exp(up - top) + std::exp(down - top)) - std::log(2) -
               static_cast<double>(d) * std::log(3 * 0.7 * std::sqrt(2 * std::numbers::pi));
    }
    CHECK(flow < truth / 500 + 0.1);
  }
}

TEST_CASE("trainer: the best validation is kept, and patience ends the run") {
  Problem problem(2, 24, 4);  // so few rows that they are soon learned by heart
  problem.train.steps = 4000;
  problem.train.batch = 24;
  problem.train.learning_rate = 2e-2;
  problem.train.patience = 60;
  Trainer trainer = problem.trainer();
  trainer.start();
  run(trainer);
  const TrainState& state = trainer.state();
  CHECK(trainer.finished());
  CHECK(state.step < 4000);
  CHECK(state.step - state.best_step >= 60);
  const auto best = std::min_element(state.history.begin(), state.history.end(),
                                     [](const HistoryPoint& a, const HistoryPoint& b) {
                                       return a.validation_loss < b.validation_loss;
                                     });
  CHECK(best->step == state.best_step);
  CHECK(best->validation_loss == state.best_loss);
  CHECK(-mean(Model(problem.flow, state.best).log_density(problem.held_out)) ==
        doctest::Approx(state.best_loss).epsilon(1e-12));
  CHECK(state.history.back().validation_loss > state.best_loss);
}

TEST_CASE("trainer: without validation rows the last average is the best") {
  Problem problem(2, 100, 2);
  problem.data.validation.clear();
  problem.train.patience = 10;  // has nothing to go by
  Trainer trainer = problem.trainer();
  trainer.start();
  run(trainer);
  CHECK(trainer.state().best_step == 60);
  CHECK(std::isnan(trainer.state().history.back().validation_loss));
  std::vector<float> average = trainer.state().average;
  scale_to_proved_bound(trainer.flow().layout(), average);
  CHECK(trainer.state().best == average);
}

TEST_CASE("trainer: ended before its plan is done, it stands where the plan has come to by then") {
  const Problem problem(2, 300, 3);
  Trainer whole = problem.trainer(), ended = problem.trainer();
  whole.start();
  run(whole, 40);
  ended.end_at(40);
  ended.start();
  run(ended);
  CHECK(ended.finished());
  CHECK_FALSE(whole.finished());
  check_same(ended.state(), whole.state());

  Trainer between = problem.trainer();
  between.end_at(33);
  between.start();
  run(between);
  CHECK(between.state().step == 33);
  CHECK(between.state().history.back().step == 33);
  CHECK(between.state().history.size() == 5);  // 0, 10, 20, 30, 33
}

TEST_CASE("trainer: a wild learning rate goes back, slows down, and gives up in the end") {
  for (const double wild : {1e6, 1e12}) {
    Problem problem(2, 300, 3);
    problem.train.learning_rate = wild;
    Trainer trainer = problem.trainer();
    trainer.start();
    std::string message;
    try {
      run(trainer);
    } catch (const NumericError& e) {
      message = e.what();
    }
    INFO("rate ", wild);
    CHECK(message.starts_with("training diverged for good: "));
    const std::vector<Divergence>& divergences = trainer.state().divergences;
    CHECK(divergences.size() == 6);
    double rate = wild;
    for (const Divergence& divergence : divergences) {
      rate /= 2;
      CHECK(divergence.learning_rate == rate);
      CHECK(divergence.back_to <= divergence.step);
      CHECK(divergence.back_to % 10 == 0);
    }
    for (const float x : trainer.state().raw) CHECK(std::isfinite(x));
  }
}

TEST_CASE("trainer: begins anew where not one step can be done from the last state") {
  Problem problem(2, 300, 2);
  Trainer trainer = problem.trainer();
  trainer.start();
  trainer.advance(keep_on);
  TrainState state = trainer.state();
  REQUIRE(state.step == 10);
  const ParameterInfo& first = trainer.flow().layout()[0];  // ActNorm's log-scale
  state.raw[first.offset] = 200;
  Trainer other = problem.trainer();
  other.resume(state);
  run(other);
  REQUIRE(other.state().divergences.size() == 1);
  const Divergence& divergence = other.state().divergences[0];
  CHECK(divergence.step == 10);
  CHECK(divergence.back_to == 0);
  CHECK(divergence.learning_rate == problem.train.learning_rate / 2);
  CHECK(other.state().step == problem.train.steps);
  CHECK(other.state().history.front().step == 0);
  CHECK(other.state().history.back().validation_loss < state.history.front().validation_loss);
}

TEST_CASE("trainer: a validation that is not finite counts as divergence") {
  Problem problem(2, 300, 1);
  problem.train.learning_rate = 0.5;
  problem.data.validation[0] = 8e154;  // the square of what it is mapped to is nearly too large
  Trainer trainer = problem.trainer();
  trainer.start();
  try {
    run(trainer);
  } catch (const NumericError& e) {
    CHECK(std::string(e.what()).starts_with("training diverged for good: "));
  }
  CHECK(trainer.state().divergences.size() > 0);
  for (const HistoryPoint& point : trainer.state().history) {
    CHECK(std::isfinite(point.validation_loss));
  }
  problem.data.validation[0] = 1e200;
  Trainer hopeless = problem.trainer();
  CHECK_THROWS_WITH_AS(hopeless.start(),
                       "the loss of the validation rows is not finite: are there wild values?",
                       NumericError);
}

TEST_CASE("trainer: gradients whose squares are not finite count as divergence") {
  Problem problem(2, 300, 1);
  Trainer trainer = problem.trainer();
  trainer.start();
  TrainState state = trainer.state();
  const ParameterLayout& layout = trainer.flow().layout();
  for (const ParameterInfo& info : layout.entries()) {
    if (!info.name.ends_with("log_scale")) continue;
    state.raw[info.offset] = 12;  // of two ActNorms: z of the order of e^24, the loss still finite
  }
  trainer.resume(state);
  run(trainer);
  CHECK(trainer.state().divergences.size() == 1);
  CHECK(trainer.state().step == problem.train.steps);
  for (const float v : trainer.state().v) CHECK(std::isfinite(v));
}

TEST_CASE("trainer: a stopped run returns at once and keeps the last validation point") {
  const Problem problem(2, 300, 2);
  Trainer trainer = problem.trainer();
  trainer.start();
  trainer.advance(keep_on);
  const TrainState before = trainer.state();
  std::vector<std::uint64_t> steps;
  CHECK_FALSE(trainer.advance([&](std::uint64_t step, double) {
    steps.push_back(step);
    return step < 13;
  }));
  CHECK(steps == std::vector<std::uint64_t>{11, 12, 13});
  check_same(trainer.state(), before);
}

TEST_CASE("trainer: what makes no sense is refused") {
  const Problem good(2, 50, 1);
  const auto make = [&](const TrainConfig& config, const Rows& data) {
    Trainer(good.flow, config, data.shared());
  };
  CHECK_NOTHROW(make(good.train, good.data));
  TrainConfig config = good.train;
  config.batch = 0;
  CHECK_THROWS_AS(make(config, good.data), UsageError);
  for (const double rate : {0.0, -1.0, std::nan("")}) {
    config = good.train;
    config.learning_rate = rate;
    CHECK_THROWS_AS(make(config, good.data), UsageError);
  }
  for (const double ema : {-0.1, 1.0, std::nan("")}) {
    config = good.train;
    config.ema = ema;
    CHECK_THROWS_AS(make(config, good.data), UsageError);
  }
  for (const double l1 : {-0.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    config = good.train;
    config.l1 = l1;
    CHECK_THROWS_AS(make(config, good.data), UsageError);
  }
  for (const double clip : {-0.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    config = good.train;
    config.clip = clip;
    CHECK_THROWS_AS(make(config, good.data), UsageError);
  }
  for (const double penalty : {-0.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    config = good.train;
    config.jacobian_penalty = penalty;
    CHECK_THROWS_AS(make(config, good.data), UsageError);
  }
  config = good.train;
  config.jacobian_penalty = 0.1;
  config.log_det.method = LogDetMethod::kSeries;
  CHECK_THROWS_AS(make(config, good.data), UsageError);
  config = good.train;
  config.validate_every = 0;
  CHECK_THROWS_AS(make(config, good.data), UsageError);
  CHECK_THROWS_AS(make(good.train, {}), UsageError);

  for (const float wild : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    Problem problem = good;
    problem.train.batch = 50;
    problem.data.rows[31] = wild;
    Trainer trainer = problem.trainer();
    CHECK_THROWS_AS(trainer.start(), NumericError);
  }
}

TEST_CASE("trainer: one row, whose scale nothing bounds, ends as diverged") {
  Problem problem(2, 40, 1);
  problem.data.rows.resize(2);
  Trainer trainer = problem.trainer();
  trainer.start();
  CHECK_THROWS_AS(run(trainer), NumericError);
}

TEST_CASE("trainer: fewer rows than a group, batches larger than the data") {
  for (const std::size_t rows : {2, 5, 17}) {
    Problem problem(2, 40, 1);
    problem.data.rows.resize(2 * rows);
    problem.train.steps = 5;
    problem.train.batch = 100;
    problem.train.validate_every = 5;
    Trainer trainer = problem.trainer();
    trainer.start();
    run(trainer);
    INFO(rows, " rows");
    CHECK(trainer.state().step == 5);
    CHECK(std::isfinite(trainer.state().best_loss));
  }
}

}  // namespace
}  // namespace iflow
