#include "train/update.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "base/rng.h"
#include "train/schedule.h"

namespace iflow {
namespace {

constexpr std::uint64_t kSeed = 5;

// A free parameter and two matrices: one beyond its norm, one within.
ParameterLayout make_layout() {
  ParameterLayout layout;
  layout.add("free", 7, 1);
  layout.add("large", 5, 4, 0.5);
  layout.add("small", 3, 6, 50);
  return layout;
}

TrainConfig make_config() {
  TrainConfig config;
  config.steps = 100;
  config.learning_rate = 1e-2;
  config.ema = 0.9;
  config.l1 = 0.3;
  config.clip = 0.7;
  config.seed = kSeed;
  return config;
}

// What is updated.
struct Subject {
  TrainState state;
  EffectiveParameters effective;

  explicit Subject(const ParameterLayout& layout) : effective(layout) {
    state.raw.resize(layout.size());
    state.m.resize(layout.size());
    state.v.resize(layout.size());
    Rng rng(kSeed, RngPurpose::kTest, 1);
    for (const ParameterInfo& info : layout.entries()) {
      for (std::size_t i = 0; i < info.size(); ++i) {
        state.raw[info.offset + i] = static_cast<float>(rng.normal());
      }
    }
    state.average = state.raw;
    effective.start(state, kSeed);
  }
};

// The gradient by the effective parameters of a step, the same for both ways.
std::vector<float> gradient_of(const ParameterLayout& layout, std::uint64_t step) {
  Rng rng(kSeed, RngPurpose::kTest, 2, static_cast<std::uint32_t>(step));
  const double scale = step == 3 ? 30 : 1;  // one beyond what is usual
  std::vector<float> gradient(layout.size());
  for (float& g : gradient) g = static_cast<float>(scale * (rng.normal() + 0.2));
  return gradient;
}

// Fills the sum with a gradient in three unequal parts.
void fill(GradientSum& sum, const std::vector<float>& gradient) {
  constexpr float kParts[] = {0.25F, 0.5F, 0.25F};
  sum.fill([&](std::size_t slice, float* part) {
    for (std::size_t i = 0; i < gradient.size(); ++i) part[i] = kParts[slice] * gradient[i];
    return 0.0;
  });
}

// The formulas of a step in double, one number after the other: W_eff = W min(1, c / sigma), its
// gradient pulled back with u and v held fixed, the clip, Adam, the soft threshold, the average.
struct Reference {
  const ParameterLayout& layout;
  const TrainConfig& config;
  std::vector<double> raw, average, m, v;

  void step(const TrainState& before, const std::vector<float>& effective_gradient,
            std::uint64_t t) {
    const double alpha =
        config.learning_rate * learning_rate_factor(t - 1, config.steps, config.warmup);
    const double steps = static_cast<double>(t);
    const double gathered1 = 1 - std::pow(config.adam.beta1, steps);
    const double gathered2 = 1 - std::pow(config.adam.beta2, steps);
    const double gathered_before = 1 - std::pow(config.adam.beta2, steps - 1);
    for (std::size_t p = 0; p < layout.entries().size(); ++p) {
      const ParameterInfo& info = layout[p];
      const auto first = effective_gradient.begin() + static_cast<std::ptrdiff_t>(info.offset);
      std::vector<double> g(first, first + static_cast<std::ptrdiff_t>(info.size()));
      if (info.max_norm > 0) pull_back(info, before.power[p], g);
      double squares = 0, usual = 0;
      for (std::size_t i = 0; i < g.size(); ++i) {
        squares += g[i] * g[i];
        usual += v[info.offset + i];
      }
      const double most = config.clip * std::sqrt(usual / gathered_before);
      const double scale = t > 1 && std::sqrt(squares) > most ? most / std::sqrt(squares) : 1;
      if (scale < 1) ++clipped;
      for (std::size_t i = 0; i < g.size(); ++i) {
        const std::size_t at = info.offset + i;
        const double gi = scale * g[i];
        m[at] += (1 - config.adam.beta1) * (gi - m[at]);
        v[at] += (1 - config.adam.beta2) * (gi * gi - v[at]);
        raw[at] -=
            alpha * (m[at] / gathered1) / (std::sqrt(v[at] / gathered2) + config.adam.epsilon);
        if (info.max_norm > 0) {
          raw[at] = std::copysign(std::max(std::fabs(raw[at]) - alpha * config.l1, 0.0), raw[at]);
        }
        const double decay = std::min(config.ema, steps / (steps + 10));
        average[at] = decay * average[at] + (1 - decay) * raw[at];
      }
    }
  }

  void pull_back(const ParameterInfo& info, const PowerVectors& power, std::vector<double>& g) {
    double sigma = 0, along = 0;
    for (std::size_t i = 0; i < g.size(); ++i) {
      const double w = raw[info.offset + i];
      sigma += double{power.u[i / info.columns]} * w * power.v[i % info.columns];
      along += g[i] * w;
    }
    if (sigma <= info.max_norm) return;
    ++pulled_back;
    const double s = info.max_norm / sigma;
    for (std::size_t i = 0; i < g.size(); ++i) {
      g[i] = s * g[i] - s / sigma * along * power.u[i / info.columns] * power.v[i % info.columns];
    }
  }

  int clipped = 0, pulled_back = 0;
};

void check_close(const std::vector<float>& got, const std::vector<double>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, std::fabs(got[i] - expected[i]) / (1 + std::fabs(expected[i])));
  }
  CHECK(worst < 2e-5);
}

TEST_CASE("update: the formulas of a step in double") {
  const ParameterLayout layout = make_layout();
  const TrainConfig config = make_config();
  Subject subject(layout);
  const auto wide = [](const std::vector<float>& x) {
    return std::vector<double>(x.begin(), x.end());
  };
  TrainState& state = subject.state;
  Reference reference{layout,        config,       wide(state.raw), wide(state.average),
                      wide(state.m), wide(state.v)};
  const ParameterUpdate update(layout, config);
  GradientSum sum(3, layout.size());
  for (; state.step < 20; ++state.step) {
    const std::vector<float> gradient = gradient_of(layout, state.step);
    reference.step(state, gradient, state.step + 1);
    fill(sum, gradient);
    REQUIRE(update.apply(sum, state, subject.effective));
    INFO("step ", state.step);
    check_close(state.m, reference.m);
    check_close(state.v, reference.v);
    check_close(state.raw, reference.raw);
    check_close(state.average, reference.average);
    // what is in effect has a norm of at most c, but for what is left of the power iteration
    const ParameterInfo& large = layout[1];
    std::vector<float> w(subject.effective.values() + large.offset,
                         subject.effective.values() + large.offset + large.size());
    const std::vector<double> exact = wide(w);
    CHECK(proved_spectral_norm(exact.data(), large.rows, large.columns) < 1.02 * large.max_norm);
    // and the others are the raw ones
    for (const ParameterInfo* free : {&layout[0], &layout[2]}) {
      CHECK(std::equal(state.raw.begin() + static_cast<std::ptrdiff_t>(free->offset),
                       state.raw.begin() + static_cast<std::ptrdiff_t>(free->offset + free->size()),
                       subject.effective.values() + free->offset));
    }
  }
  CHECK(reference.clipped > 0);
  CHECK(reference.pulled_back == 20);
}

TEST_CASE("update: any number of threads gives the same bits") {
  const ParameterLayout layout = make_layout();
  const ParameterUpdate update(layout, make_config());
  const int before = threads();
  std::vector<float> expected;
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    Subject subject(layout);
    GradientSum sum(3, layout.size());
    for (; subject.state.step < 5; ++subject.state.step) {
      fill(sum, gradient_of(layout, subject.state.step));
      REQUIRE(update.apply(sum, subject.state, subject.effective));
    }
    if (n == 1) expected = subject.state.raw;
    CHECK(subject.state.raw == expected);
  }
  set_threads(before);
}

TEST_CASE("update: a gradient whose square is not finite is told") {
  const ParameterLayout layout = make_layout();
  const ParameterUpdate update(layout, make_config());
  GradientSum sum(3, layout.size());
  for (const float wild : {2e19F, -2e19F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    for (const ParameterInfo& info : layout.entries()) {
      Subject subject(layout);
      std::vector<float> gradient = gradient_of(layout, 0);
      gradient[info.offset + info.size() - 1] = wild;
      fill(sum, gradient);
      CHECK_FALSE(update.apply(sum, subject.state, subject.effective));
    }
  }
}

TEST_CASE("update: norms are estimated anew every so many steps, and resumed estimates agree") {
  const ParameterLayout layout = make_layout();
  TrainConfig config = make_config();
  config.norm_every = 3;
  const ParameterUpdate update(layout, config);
  Subject subject(layout);
  GradientSum sum(3, layout.size());
  for (; subject.state.step < 9; ++subject.state.step) {
    const std::vector<float> before = subject.state.power[1].u;
    fill(sum, gradient_of(layout, subject.state.step));
    REQUIRE(update.apply(sum, subject.state, subject.effective));
    const bool is_due = (subject.state.step + 1) % 3 == 0;
    CHECK((subject.state.power[1].u != before) == is_due);
    TrainState copy = subject.state;
    EffectiveParameters resumed(layout);
    resumed.resume(copy);
    CHECK(copy.power[1].u == subject.state.power[1].u);
    CHECK(
        std::equal(resumed.values(), resumed.values() + layout.size(), subject.effective.values()));
  }
}

}  // namespace
}  // namespace iflow
