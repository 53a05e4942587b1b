#include "train/validation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "model/flow_model.h"
#include "nn/lipschitz.h"
#include "recipes/defaults.h"

namespace iflow {
namespace {

// Rows of two columns around (3, -1), and the parameters of a flow that has yet to learn.
struct Subject {
  FlowConfig flow;
  ParameterLayout layout;
  std::vector<double> rows;
  TrainState state;

  Subject() {
    FlowOptions options;
    options.blocks = 2;
    options.hidden = {8};
    options.activation = "sine";
    options.activation_start = 1;
    options.coefficient = 0.9;
    flow = make_flow(options, StandardiseConfig{{3, -1}, {1, 1}});
    layout = build_flow<float>(flow).layout();
    Rng rng(1, RngPurpose::kTest);
    for (int i = 0; i < 40; ++i) rows.insert(rows.end(), {3 + rng.normal(), rng.normal() - 1});
    state.average.resize(layout.size());
    for (const ParameterInfo& info : layout.entries()) {
      for (std::size_t i = 0; i < info.size() && info.max_norm > 0; ++i) {
        state.average[info.offset + i] = static_cast<float>(rng.normal());
      }
    }
  }

  // Moves the mean of z, so that rows are the less likely the farther it is.
  void shift_to(float shift) {
    for (const ParameterInfo& info : layout.entries()) {
      if (info.name.ends_with("shift")) state.average[info.offset] = shift;
    }
  }
};

double mean_loss(const Subject& subject, const std::vector<float>& values) {
  double sum = 0;
  for (const double log_p : Model(subject.flow, values).log_density(subject.rows)) sum -= log_p;
  return sum / 40;
}

TEST_CASE("validation: judges the averages, scaled to their proved bound") {
  Subject subject;
  const std::vector<float> average = subject.state.average;
  std::vector<float> scaled = average;
  scale_to_proved_bound(subject.layout, scaled);
  REQUIRE(scaled != average);
  subject.state.step = 7;
  const Validation validation(subject.flow, subject.layout, subject.rows, {}, 1);
  REQUIRE(validation.add_point(subject.state, 2.5));
  REQUIRE(subject.state.history.size() == 1);
  CHECK(subject.state.history[0].step == 7);
  CHECK(subject.state.history[0].training_loss == 2.5);
  CHECK(subject.state.history[0].validation_loss ==
        doctest::Approx(mean_loss(subject, scaled)).epsilon(1e-12));
  CHECK(subject.state.best == scaled);
  CHECK(subject.state.average == average);
}

TEST_CASE("validation: keeps the best, the first of equals") {
  Subject subject;
  const Validation validation(subject.flow, subject.layout, subject.rows, {}, 1);
  std::vector<std::uint64_t> best;
  for (const float shift : {4.0F, 2.0F, 3.0F, 2.0F, 1.0F, 5.0F}) {
    subject.shift_to(shift);
    REQUIRE(validation.add_point(subject.state, 0));
    best.push_back(subject.state.best_step);
    ++subject.state.step;
  }
  CHECK(best == std::vector<std::uint64_t>{0, 1, 1, 1, 4, 4});
  CHECK(subject.state.best_loss == subject.state.history[4].validation_loss);
  CHECK(subject.state.best_loss ==
        doctest::Approx(mean_loss(subject, subject.state.best)).epsilon(1e-12));
}

TEST_CASE("validation: without rows the last averages are the best") {
  Subject subject;
  const Validation validation(subject.flow, subject.layout, {}, {}, 1);
  for (const float shift : {1.0F, 4.0F}) {
    subject.shift_to(shift);
    REQUIRE(validation.add_point(subject.state, 0));
    std::vector<float> scaled = subject.state.average;
    scale_to_proved_bound(subject.layout, scaled);
    CHECK(subject.state.best == scaled);
    CHECK(subject.state.best_step == subject.state.step);
    CHECK(std::isnan(subject.state.history.back().validation_loss));
    ++subject.state.step;
  }
}

TEST_CASE("validation: a weight of 2 counts as two rows") {
  Subject subject;
  std::vector<double> weights(40, 1), twice = subject.rows;
  weights[3] = 2;
  twice.insert(twice.end(), {subject.rows[6], subject.rows[7]});
  TrainState other = subject.state;
  REQUIRE(Validation(subject.flow, subject.layout, subject.rows, weights, 1)
              .add_point(subject.state, 0));
  REQUIRE(Validation(subject.flow, subject.layout, twice, {}, 1).add_point(other, 0));
  CHECK(subject.state.best_loss == doctest::Approx(other.best_loss).epsilon(1e-12));
}

TEST_CASE("validation: a loss that is not finite makes no point") {
  Subject subject;
  const Validation validation(subject.flow, subject.layout, subject.rows, {}, 1);
  REQUIRE(validation.add_point(subject.state, 0));
  const std::vector<float> best = subject.state.best;
  for (const double wild : {1e200, std::nan("")}) {
    subject.rows[11] = wild;
    CHECK_FALSE(validation.add_point(subject.state, 0));
    CHECK(subject.state.history.size() == 1);
    CHECK(subject.state.best == best);
  }
}

}  // namespace
}  // namespace iflow
