#include "nn/dense_branch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autodiff/ops.h"
#include "base/aligned.h"
#include "base/error.h"
#include "nn/branch_fixture.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

// Every activation, with and without one before the first layer.
template <class F>
void for_branches(std::size_t dimension, const F& check) {
  for (const std::string& name : activation_names()) {
    for (const bool first : {false, true}) {
      DenseBranchConfig config = branch_config(dimension, {6, 5}, name);
      config.activation_first = first;
      INFO(name, ", activation first: ", first);
      check(BranchFixture(config), name);
    }
  }
}

// g(x) for x [groups][elements][kLanes], and what follows on the tape.
std::vector<double> evaluate(const BranchFixture& g, std::size_t elements, std::size_t groups,
                             const std::vector<double>& x, std::size_t tangents = 0) {
  Tape<double> tape(false);
  const Var in = tape.variable(elements, (1 + tangents) * groups);
  std::copy(x.begin(), x.end(), tape.value(in));
  const Pass<double> pass{tape, g.layout, g.values.data()};
  const Var y = g.branch.forward(pass, in, groups);
  return {tape.value(y), tape.value(y) + y.size()};
}

TEST_CASE("branch: gradients of values and tangents") {
  for_branches(3, [](const BranchFixture& g, const std::string& name) {
    for (const std::size_t tangents : {0, 2}) {
      const CheckedFunction f = [&](Tape<double>& tape, std::span<const Var> x,
                                    std::span<const Parameter<double>> p) {
        const Pass<double> pass{tape, g.layout, p[0].value, p[0].gradient};
        return g.branch.forward(pass, x[0], 1);
      };
      expect_gradient(f, {random_input("x", 3, 1 + tangents, 1)},
                      {{"parameters", 1, g.layout.size(), g.values, &g.layout}},
                      gradient_tolerances(name));
    }
  });
}

// The branches of a conditional density, and a condition [1][2][kLanes].
template <class F>
void for_conditional_branches(const F& check) {
  const std::vector<double> numbers = random_numbers(7, 2 * kLanes);
  const AlignedVector<double> condition(numbers.begin(), numbers.end());
  for (const std::string name : {"sine", "clipswish"}) {
    for (const bool first : {false, true}) {
      DenseBranchConfig config = branch_config(3, {6, 5}, name);
      config.condition = 2;
      config.activation_first = first;
      INFO(name, ", activation first: ", first);
      check(BranchFixture(config), condition);
    }
  }
}

TEST_CASE("branch: gradients with a condition, that of its weights included") {
  for_conditional_branches([](const BranchFixture& g, const AlignedVector<double>& condition) {
    for (const std::size_t tangents : {0, 2}) {
      const CheckedFunction f = [&](Tape<double>& tape, std::span<const Var> x,
                                    std::span<const Parameter<double>> p) {
        const Pass<double> pass{tape, g.layout, p[0].value, p[0].gradient, condition.data()};
        return g.branch.forward(pass, x[0], 1);
      };
      expect_gradient(f, {random_input("x", 3, 1 + tangents, 1)},
                      {{"parameters", 1, g.layout.size(), g.values, &g.layout}});
    }
  });
}

TEST_CASE("branch: a condition is a shift of the first bias, and has no part in the bound") {
  for_conditional_branches([](const BranchFixture& g, const AlignedVector<double>& condition) {
    const std::size_t weight = 2;  // behind the first layer's weight and bias
    const ParameterInfo& v = g.layout[weight];
    CHECK(v.name == "branch.0.condition");
    CHECK(v.max_norm == 0);
    const std::vector<double> x = random_numbers(3, 3 * kLanes);
    const auto run = [&](const std::vector<double>& values, const double* c, std::size_t lane) {
      Tape<double> tape(false);
      const Var in = tape.variable(3, 1);
      std::copy(x.begin(), x.end(), tape.value(in));
      const Pass<double> pass{tape, g.layout, values.data(), nullptr, c};
      const double* y = tape.value(g.branch.forward(pass, in, 1));
      const double* same = g.branch.linearise(pass, tape.value(in), 1).value;
      CHECK(std::equal(y, y + 3 * kLanes, same));
      return std::vector<double>{y[lane], y[kLanes + lane], y[2 * kLanes + lane]};
    };
    const AlignedVector<double> nothing(condition.size(), 0);
    for (const std::size_t lane : {0, 7}) {
      std::vector<double> shifted = g.values;
      for (std::size_t i = 0; i < v.rows; ++i) {
        for (std::size_t k = 0; k < 2; ++k) {
          shifted[g.layout[1].offset + i] +=
              g.values[v.offset + 2 * i + k] * condition[k * kLanes + lane];
        }
      }
      const std::vector<double> a = run(g.values, condition.data(), lane);
      const std::vector<double> b = run(shifted, nothing.data(), lane);
      const std::vector<double> c = run(g.values, nothing.data(), lane);
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(std::fabs(a[i] - b[i]) < 1e-13);
        CHECK(std::fabs(a[i] - c[i]) > 1e-6);
      }
    }
    std::vector<double> norms, larger;
    for (const ParameterInfo& info : g.layout.entries()) norms.push_back(info.max_norm);
    larger = norms;
    larger[weight] = 100;
    CHECK(g.branch.lipschitz_bound(norms) == g.branch.lipschitz_bound(larger));
  });
}

TEST_CASE("branch: the unit tangents are the columns of the numerical Jacobian") {
  constexpr std::size_t kD = 3;
  for_branches(kD, [](const BranchFixture& g, const std::string& name) {
    const std::vector<double> x = random_numbers(2, kD * kLanes);
    std::vector<double> with_tangents = x;
    for (std::size_t j = 0; j < kD; ++j) {
      for (std::size_t i = 0; i < kD * kLanes; ++i) {
        with_tangents.push_back(i / kLanes == j ? 1 : 0);
      }
    }
    const std::vector<double> y = evaluate(g, kD, 1, with_tangents, kD);
    double worst = 0;
    for (std::size_t j = 0; j < kD; ++j) {
      const double h = has_kinks(name) ? 1e-5 : 1e-3;
      const auto moved = [&](double s) {
        std::vector<double> at = x;
        for (std::size_t l = 0; l < kLanes; ++l) at[j * kLanes + l] += s;
        return evaluate(g, kD, 1, at);
      };
      const auto a = moved(h), b = moved(-h), c = moved(2 * h), d = moved(-2 * h);
      for (std::size_t i = 0; i < kD * kLanes; ++i) {
        const double slope = (8 * (a[i] - b[i]) - (c[i] - d[i])) / (12 * h);
        worst = std::max(worst, std::fabs(slope - y[(1 + j) * kD * kLanes + i]));
      }
    }
    CHECK(worst < 1e-8);
  });
}

TEST_CASE("branch: tangents and adjoints belong to the same Jacobian") {
  constexpr std::size_t kD = 4, kSize = kD * kLanes;
  for_branches(kD, [](const BranchFixture& g, const std::string&) {
    const std::vector<double> x = random_numbers(3, kSize), v = random_numbers(4, kSize),
                              u = random_numbers(5, kSize);
    std::vector<double> both = x;
    both.insert(both.end(), v.begin(), v.end());
    const std::vector<double> y = evaluate(g, kD, 1, both, 1);

    Tape<double> tape(true);
    std::vector<double> gradients(g.layout.size(), 0);
    const Pass<double> pass{tape, g.layout, g.values.data(), gradients.data()};
    const Var in = tape.variable(kD, 1);
    std::copy(x.begin(), x.end(), tape.value(in));
    const Var out = g.branch.forward(pass, in, 1);
    std::copy(u.begin(), u.end(), tape.adjoint(out).data);
    tape.backward();

    double forward = 0, reverse = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      forward += u[i] * y[kSize + i];
      reverse += tape.adjoint(in).data[i] * v[i];
    }
    CHECK(Tolerance{1e-12, 1e-13}.holds(forward, reverse));
  });
}

TEST_CASE("branch: lipschitz_bound is never exceeded, for near and far pairs") {
  constexpr std::size_t kD = 3;
  for_branches(kD, [](const BranchFixture& g, const std::string&) {
    const double bound = g.lipschitz();
    CHECK(bound < 1);
    double largest = 0;
    Rng rng(6, RngPurpose::kTest);
    for (int repeat = 0; repeat < 40; ++repeat) {
      const std::vector<double> x = random_numbers(rng.next_u64(), kD * kLanes, 2);
      const std::vector<double> step = random_numbers(rng.next_u64(), kD * kLanes);
      const double length = std::pow(10, -4 + repeat % 6);
      std::vector<double> other = x;
      for (std::size_t i = 0; i < other.size(); ++i) other[i] += length * step[i];
      const std::vector<double> gx = evaluate(g, kD, 1, x), go = evaluate(g, kD, 1, other);
      for (std::size_t l = 0; l < kLanes; ++l) {
        double out = 0, in = 0;
        for (std::size_t i = l; i < kD * kLanes; i += kLanes) {
          out += (go[i] - gx[i]) * (go[i] - gx[i]);
          in += (other[i] - x[i]) * (other[i] - x[i]);
        }
        largest = std::max(largest, std::sqrt(out / in));
      }
    }
    CHECK(largest <= bound * (1 + 1e-9));
    CHECK(largest > 0);
  });
}

TEST_CASE("branch: lipschitz_bound is attained where the branch is linear") {
  // ReLU far on its positive side is the identity: g(x) = W2 (W1 x + b) with the largest slope
  // along W1's first right singular vector; of 1 x 1 matrices the product of the norms.
  BranchFixture g(branch_config(1, {1}, "relu"));
  for (const ParameterInfo& info : g.layout.entries()) {
    if (info.name.ends_with("bias")) g.values[info.offset] = 100;
  }
  const std::vector<double> zero(kLanes, 0), one(kLanes, 1);
  const double slope = std::fabs(evaluate(g, 1, 1, one)[0] - evaluate(g, 1, 1, zero)[0]);
  CHECK(slope == doctest::Approx(0.97 * 0.97).epsilon(1e-9));
  CHECK(slope <= g.lipschitz() * (1 + 1e-12));  // the slope has rounding errors
  CHECK(g.lipschitz() < 0.97 * 0.97 + 1e-9);
}

TEST_CASE("branch: lipschitz_bound counts every activation's own constant") {
  // Two activations follow the hidden layers: sigmoid's slope is at most 1/4.
  const BranchFixture tanh(branch_config(3, {6, 5}, "tanh"));
  const BranchFixture sigmoid(branch_config(3, {6, 5}, "sigmoid"));
  CHECK(tanh.lipschitz() == doctest::Approx(0.97 * 0.97 * 0.97).epsilon(1e-10));
  CHECK(sigmoid.lipschitz() == doctest::Approx(tanh.lipschitz() / 16).epsilon(1e-10));
}

TEST_CASE("branch: initial weights are orthogonal, biases spread, parameters where they belong") {
  ParameterLayout layout;
  DenseBranchConfig config = branch_config(2, {32, 16}, "sine");
  config.activation_start = 10;
  const DenseBranch<double> branch(config, layout, "flow.3.branch");
  std::vector<double> values(layout.size(), 0);
  branch.initialise(layout, values, 5);
  std::vector<std::string> names;
  for (const ParameterInfo& info : layout.entries()) {
    names.push_back(info.name);
    const double* p = values.data() + info.offset;
    INFO(info.name);
    if (info.name.ends_with("weight")) {
      CHECK(info.max_norm == config.coefficient);
      CHECK(proved_spectral_norm(p, info.rows, info.columns) == doctest::Approx(1).epsilon(1e-9));
      double squares = 0;
      for (std::size_t i = 0; i < info.size(); ++i) squares += p[i] * p[i];
      CHECK(squares == doctest::Approx(static_cast<double>(std::min(info.rows, info.columns))));
    } else if (info.name.ends_with("activation")) {
      CHECK(std::log1p(std::exp(*p)) == doctest::Approx(10));
    } else {
      const double limit = info.name.ends_with(".0.bias") ? 2 / std::sqrt(32) : 0;
      const auto [low, high] = std::minmax_element(p, p + info.size());
      CHECK(std::fmax(-*low, *high) <= limit);
      if (limit > 0) CHECK(*high - *low > limit);
    }
  }
  CHECK(names == std::vector<std::string>{"flow.3.branch.0.weight", "flow.3.branch.0.bias",
                                          "flow.3.branch.1.weight", "flow.3.branch.1.bias",
                                          "flow.3.branch.1.activation", "flow.3.branch.2.weight",
                                          "flow.3.branch.2.bias", "flow.3.branch.2.activation"});
  std::vector<double> again(layout.size(), 0), other(layout.size(), 0);
  branch.initialise(layout, again, 5);
  branch.initialise(layout, other, 6);
  CHECK(again == values);
  CHECK(other != values);
}

TEST_CASE("branch: what can't be is refused") {
  const auto make = [](const DenseBranchConfig& config) {
    ParameterLayout layout;
    DenseBranch<double>(config, layout, "flow.1.branch");
  };
  const DenseBranchConfig good = branch_config(2, {4}, "elu");
  CHECK_NOTHROW(make(good));
  for (const double c : {0.0, 1.0, -0.5, 1.5, std::nan("")}) {
    DenseBranchConfig config = good;
    config.coefficient = c;
    CHECK_THROWS_AS(make(config), UsageError);
  }
  DenseBranchConfig config = good;
  config.hidden = {};
  CHECK_THROWS_WITH_AS(make(config), "flow.1.branch: a branch needs a hidden layer", UsageError);
  config = good;
  config.hidden = {4, 0};
  CHECK_THROWS_AS(make(config), UsageError);
  config = good;
  config.activation = "tahn";
  CHECK_THROWS_WITH_AS(make(config), "unknown activation \"tahn\"; did you mean \"tanh\"?",
                       UsageError);
  for (const double start : {0.0, -1.0, std::nan("")}) {
    config = branch_config(2, {4}, "sine");
    config.activation_start = start;
    CHECK_THROWS_AS(make(config), UsageError);
  }
}

}  // namespace
}  // namespace iflow
