#include "autodiff/ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/aligned.h"
#include "kernels/activation.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

using Inputs = std::span<const Var>;
using Parameters = std::span<const Parameter<double>>;
using DoubleTape = Tape<double>;

constexpr Activation kActivations[] = {Activation::kSigmoid,  Activation::kTanh,
                                       Activation::kRelu,     Activation::kElu,
                                       Activation::kLipSwish, Activation::kSine};

// A tensor of values and tangents: [(1 + D) G][E].
struct Shape {
  std::size_t elements, groups, tangents;
};
constexpr Shape kShapes[] = {{1, 1, 0}, {1, 1, 1}, {3, 2, 0}, {2, 1, 2}, {3, 2, 3}, {5, 1, 16}};

CheckedInput tensor(const Shape& shape, std::uint64_t key) {
  return random_input("x", shape.elements, (1 + shape.tangents) * shape.groups, key);
}

// Numbers that keep clear of the kinks of ReLU and ELU's phi' at 0.
CheckedInput away_from_zero(CheckedInput x) {
  for (double& xi : x.values) xi += std::copysign(0.1, xi);
  return x;
}

double softplus(double x) { return std::log1p(std::exp(x)); }

// The value of f, for checks of what an operation computes.
std::vector<double> value_of(const CheckedFunction& f, const std::vector<CheckedInput>& inputs,
                             const std::vector<CheckedParameter>& parameters = {}) {
  DoubleTape tape(false);
  std::vector<Var> vars;
  for (const CheckedInput& x : inputs) {
    vars.push_back(tape.variable(x.elements, x.groups));
    std::copy(x.values.begin(), x.values.end(), tape.value(vars.back()));
  }
  std::vector<Parameter<double>> views;
  for (const CheckedParameter& p : parameters) {
    views.push_back({p.values.data(), nullptr, p.rows, p.columns});
  }
  const Var y = f(tape, vars, views);
  return {tape.value(y), tape.value(y) + y.size()};
}

TEST_CASE("linear: a constant input is added to the values, not to the tangents") {
  for (const Shape& shape : kShapes) {
    for (const std::size_t c : {1, 3}) {
      constexpr std::size_t kM = 4;
      const CheckedInput constant = random_input("c", c, shape.groups, 5);
      const AlignedVector<double> numbers(constant.values.begin(), constant.values.end());
      const CheckedFunction f = [&](DoubleTape& tape, Inputs x, Parameters p) {
        return ops::linear(tape, p[0], p[1], x[0], shape.groups, {p[2], numbers.data()});
      };
      const CheckedFunction without = [&](DoubleTape& tape, Inputs x, Parameters p) {
        return ops::linear(tape, p[0], p[1], x[0], shape.groups);
      };
      const CheckedInput x = tensor(shape, 1);
      const CheckedParameter w = random_parameter("w", kM, shape.elements, 2);
      const CheckedParameter b = random_parameter("bias", kM, 1, 3);
      const CheckedParameter v = random_parameter("v", kM, c, 4);
      const std::vector<double> y = value_of(f, {x}, {w, b, v});
      std::vector<double> expected = value_of(without, {x}, {w, b});
      bool right = true;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t g = i / (kM * kLanes), m = i / kLanes % kM;
        for (std::size_t k = 0; g < shape.groups && k < c; ++k) {
          expected[i] += v.values[m * c + k] * numbers[(g * c + k) * kLanes + i % kLanes];
        }
        right = right && std::fabs(y[i] - expected[i]) < 1e-12;
      }
      CHECK(right);
      expect_gradient(f, {x}, {w, b, v});
    }
  }
}

TEST_CASE("linear: value and gradient") {
  for (const Shape& shape : kShapes) {
    for (const std::size_t m : {1, 4}) {
      const CheckedFunction f = [&](DoubleTape& tape, Inputs x, Parameters p) {
        return ops::linear(tape, p[0], p[1], x[0], shape.groups);
      };
      const CheckedInput x = tensor(shape, 1);
      const CheckedParameter w = random_parameter("w", m, shape.elements, 2);
      const CheckedParameter b = random_parameter("bias", m, 1, 3);
      const std::vector<double> y = value_of(f, {x}, {w, b});
      bool right = true;
      for (std::size_t g = 0; g < x.groups; ++g) {
        for (std::size_t i = 0; i < m * kLanes; ++i) {
          const std::size_t row = i / kLanes, lane = i % kLanes;
          double expected = g < shape.groups ? b.values[row] : 0;  // tangents know no bias
          for (std::size_t k = 0; k < shape.elements; ++k) {
            expected += w.values[row * shape.elements + k] *
                        x.values[(g * shape.elements + k) * kLanes + lane];
          }
          right = right && kRounding.holds(y[g * m * kLanes + i], expected);
        }
      }
      INFO("E = ", shape.elements, ", G = ", shape.groups, ", D = ", shape.tangents, ", M = ", m);
      CHECK(right);
      expect_gradient(f, {x}, {w, b});
    }
  }
}

TEST_CASE("activation: value and gradient") {
  for (const Activation kind : kActivations) {
    for (const Shape& shape : kShapes) {
      for (const double raw : {-2.0, 0.5, 4.0}) {
        if (!has_parameter(kind) && raw != 0.5) continue;
        const CheckedFunction f = [&](DoubleTape& tape, Inputs x, Parameters p) {
          return ops::activation(tape, kind, p[0], x[0], shape.groups);
        };
        const CheckedInput x = away_from_zero(tensor(shape, 4));
        const CheckedParameter p{"raw", 1, 1, {raw}, nullptr};
        const std::vector<double> y = value_of(f, {x}, {p});
        const std::size_t values = shape.groups * shape.elements * kLanes;
        bool right = true;
        for (std::size_t i = 0; i < x.values.size(); ++i) {
          const double a = has_parameter(kind) ? softplus(raw) : 1;
          const auto at = kernels::activation_reference(kind, a, x.values[i % values]);
          const double expected = i < values ? at.value : at.first * x.values[i];
          right = right && kRounding.holds(y[i], expected);
        }
        INFO("activation ", static_cast<int>(kind), ", raw ", raw, ", E = ", shape.elements,
             ", G = ", shape.groups, ", D = ", shape.tangents);
        CHECK(right);
        expect_gradient(f, {x}, {p});
      }
    }
  }
}

TEST_CASE("mirror: value and gradient") {
  for (const Shape& shape : kShapes) {
    const CheckedFunction f = [](DoubleTape& tape, Inputs x, Parameters) {
      return ops::mirror(tape, x[0]);
    };
    const CheckedInput x = tensor(shape, 5);
    const std::vector<double> y = value_of(f, {x});
    const std::size_t row = shape.elements * kLanes;
    bool right = true;
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      const std::size_t at = i / row * 2 * row + i % row;
      right = right && y[at] == x.values[i] && y[at + row] == -x.values[i];
    }
    CHECK(right);
    expect_gradient(f, {x});
  }
}

TEST_CASE("scale, add, add_values: value and gradient") {
  for (const Shape& shape : kShapes) {
    const CheckedInput x = random_input("x", shape.elements, shape.groups, 6);
    const CheckedInput h = tensor(shape, 7);
    const CheckedFunction scaled = [](DoubleTape& tape, Inputs in, Parameters) {
      return ops::scale(tape, in[0], -1.5);
    };
    const CheckedFunction added = [](DoubleTape& tape, Inputs in, Parameters) {
      return ops::add_values(tape, in[0], in[1]);
    };
    const CheckedFunction doubled = [](DoubleTape& tape, Inputs in, Parameters) {
      return ops::add(tape, in[0], in[0]);
    };
    const std::vector<double> s = value_of(scaled, {x}), a = value_of(added, {x, h}),
                              d = value_of(doubled, {x});
    bool right = true;
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      right = right && s[i] == -1.5 * x.values[i] && a[i] == x.values[i] + h.values[i] &&
              d[i] == 2 * x.values[i];
    }
    CHECK(right);
    expect_gradient(scaled, {x});
    expect_gradient(added, {x, h});
    expect_gradient(doubled, {x});
  }
}

TEST_CASE("unit_tangents: value and gradient") {
  for (const std::size_t e : {1, 2, 5}) {
    for (const std::size_t groups : {1, 3}) {
      const CheckedFunction f = [](DoubleTape& tape, Inputs x, Parameters) {
        return ops::unit_tangents(tape, x[0]);
      };
      const CheckedInput x = random_input("x", e, groups, 8);
      const std::vector<double> y = value_of(f, {x});
      REQUIRE(y.size() == (1 + e) * x.values.size());
      bool right = true;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t tangent = i / x.values.size(), element = i / kLanes % e;
        const double unit = tangent == element + 1 ? 1 : 0;
        right = right && y[i] == (tangent == 0 ? x.values[i] : unit);
      }
      CHECK(right);
      expect_gradient(f, {x});
    }
  }
}

TEST_CASE("linear_with_unit_tangents: linear of unit_tangents, and the gradient") {
  for (const std::size_t e : {1, 2, 5}) {
    for (const std::size_t m : {1, 4, 33}) {
      const CheckedFunction f = [](DoubleTape& tape, Inputs x, Parameters p) {
        return ops::linear_with_unit_tangents(tape, p[0], p[1], x[0]);
      };
      const CheckedFunction in_two = [](DoubleTape& tape, Inputs x, Parameters p) {
        return ops::linear(tape, p[0], p[1], ops::unit_tangents(tape, x[0]), x[0].groups);
      };
      const CheckedInput x = random_input("x", e, 3, 8);
      const CheckedParameter w = random_parameter("w", m, e, 2);
      const CheckedParameter b = random_parameter("bias", m, 1, 3);
      CHECK(value_of(f, {x}, {w, b}) == value_of(in_two, {x}, {w, b}));
      expect_gradient(f, {x}, {w, b});
    }
  }
}

TEST_CASE("with_tangents, tangents_of, mean_tangent_product: values and gradients") {
  for (const std::size_t groups : {1, 2}) {
    for (const std::size_t tangents : {1, 3}) {
      const CheckedInput x = random_input("x", 3, groups, 8);
      const CheckedInput t = random_input("t", 3, tangents * groups, 9);
      const CheckedInput v = random_input("v", 3, tangents * groups, 10);
      const CheckedFunction stacked = [](DoubleTape& tape, Inputs in, Parameters) {
        return ops::with_tangents(tape, in[0], in[1]);
      };
      const CheckedFunction again = [&](DoubleTape& tape, Inputs in, Parameters) {
        return ops::tangents_of(tape, ops::with_tangents(tape, in[0], in[1]), groups);
      };
      const CheckedFunction product = [&](DoubleTape& tape, Inputs in, Parameters) {
        const Var constant = tape.variable(3, static_cast<std::uint32_t>(tangents * groups));
        std::copy(v.values.begin(), v.values.end(), tape.value(constant));
        return ops::mean_tangent_product(tape, ops::with_tangents(tape, in[0], in[1]), constant,
                                         groups);
      };
      std::vector<double> both = x.values;
      both.insert(both.end(), t.values.begin(), t.values.end());
      CHECK(value_of(stacked, {x, t}) == both);
      CHECK(value_of(again, {x, t}) == t.values);
      const std::vector<double> found = value_of(product, {x, t});
      for (std::size_t row = 0; row < groups * kLanes; ++row) {
        double expected = 0;
        for (std::size_t i = 0; i < t.values.size(); ++i) {
          const std::size_t group = i / (3 * kLanes) % groups;
          if (group * kLanes + i % kLanes != row) continue;
          expected += t.values[i] * v.values[i] / static_cast<double>(tangents);
        }
        CHECK(found[row] == doctest::Approx(expected));
      }
      expect_gradient(stacked, {x, t});
      expect_gradient(again, {x, t});
      expect_gradient(product, {x, t});
    }
  }
}

TEST_CASE("less_squared_norm: values and gradient") {
  constexpr double kStrength = 0.3;
  for (const std::size_t groups : {1, 2}) {
    for (const std::size_t tangents : {1, 3}) {
      const CheckedInput v = random_input("v", 1, groups, 10);
      const CheckedInput h = random_input("h", 2, (1 + tangents) * groups, 11);
      const CheckedFunction f = [&](DoubleTape& tape, Inputs in, Parameters) {
        return ops::less_squared_norm(tape, in[0], in[1], kStrength);
      };
      std::vector<double> expected(v.values.begin(), v.values.end());
      for (std::size_t i = groups * 2 * kLanes; i < h.values.size(); ++i) {
        const std::size_t group = i / (2 * kLanes) % groups;
        expected[group * kLanes + i % kLanes] -= kStrength * h.values[i] * h.values[i];
      }
      const std::vector<double> found = value_of(f, {v, h});
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(kRounding.holds(found[i], expected[i]));
      expect_gradient(f, {v, h});
    }
  }
}

TEST_CASE("log_det_identity_plus: gradient, and the value of a triangular Jacobian") {
  for (const std::size_t e : {1, 2, 3, 4, 7, 16}) {
    for (const std::size_t groups : {1, 2}) {
      const CheckedFunction f = [&](DoubleTape& tape, Inputs h, Parameters) {
        return ops::log_det_identity_plus(tape, h[0], groups);
      };
      const CheckedInput h =
          random_input("h", e, (1 + e) * groups, 9, 0.25 / static_cast<double>(e));
      INFO("E = ", e, ", G = ", groups);
      expect_gradient(f, {h});

      // Element i of tangent j is J[i][j]: with all above the diagonal 0, ln det (I + J) is the sum
      // of ln (1 + J[i][i]).
      CheckedInput lower = h;
      std::vector<double> expected(groups * kLanes, 0);
      for (std::size_t i = 0; i < e; ++i) {
        for (std::size_t j = 0; j < e; ++j) {
          for (std::size_t g = 0; g < groups; ++g) {
            double* lanes = lower.values.data() + (((1 + j) * groups + g) * e + i) * kLanes;
            for (std::size_t l = 0; l < kLanes; ++l) {
              if (j > i) lanes[l] = 0;
              if (j == i) expected[g * kLanes + l] += std::log1p(lanes[l]);
            }
          }
        }
      }
      const std::vector<double> y = value_of(f, {lower});
      bool right = y.size() == expected.size();
      for (std::size_t i = 0; right && i < y.size(); ++i) {
        right = kRounding.holds(y[i], expected[i]);
      }
      CHECK(right);
    }
  }
}

TEST_CASE("scale_and_shift and sum_to_rows: value and gradient") {
  for (const Shape& shape : kShapes) {
    const CheckedFunction moved = [](DoubleTape& tape, Inputs x, Parameters p) {
      return ops::scale_and_shift(tape, p[0], p[1], x[0]);
    };
    const CheckedFunction summed = [&](DoubleTape& tape, Inputs, Parameters p) {
      return ops::sum_to_rows(tape, p[0], shape.groups);
    };
    const CheckedInput x = random_input("x", shape.elements, shape.groups, 10);
    const CheckedParameter s = random_parameter("log_scale", shape.elements, 1, 11);
    const CheckedParameter t = random_parameter("shift", shape.elements, 1, 12);
    const std::vector<double> y = value_of(moved, {x}, {s, t});
    bool right = true;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t e = i / kLanes % shape.elements;
      right = right && kRounding.holds(y[i], (x.values[i] + t.values[e]) * std::exp(s.values[e]));
    }
    CHECK(right);
    double sum = 0;
    for (const double si : s.values) sum += si;
    for (const double row : value_of(summed, {x}, {s})) CHECK(kRounding.holds(row, sum));
    expect_gradient(moved, {x}, {s, t});
    expect_gradient(summed, {x}, {s});
  }
}

}  // namespace
}  // namespace iflow
