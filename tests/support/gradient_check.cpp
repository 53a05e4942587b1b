#include "support/gradient_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

namespace iflow {

namespace {

// Elements of one tensor that are checked one by one.
constexpr std::size_t kMaxElements = 96;

// One of the tensors that f reads: its numbers and their gradient.
struct Point {
  std::string name;
  std::size_t rows, columns;  // of a parameter; 0 rows: an input of `columns` elements
  std::vector<double> values;
  std::vector<double> gradient;
  const ParameterLayout* layout;  // of a flat array; else null

  std::string element(std::size_t i) const {
    std::ostringstream text;
    if (layout != nullptr) {
      const auto& entries = layout->entries();
      const auto next = std::upper_bound(
          entries.begin(), entries.end(), i,
          [](std::size_t at, const ParameterInfo& info) { return at < info.offset; });
      const ParameterInfo& info = *std::prev(next);
      text << info.name << '(' << (i - info.offset) / info.columns << ','
           << (i - info.offset) % info.columns << ')';
    } else if (rows > 0) {
      text << name << '(' << i / columns << ',' << i % columns << ')';
    } else {
      text << name << '[' << i / (columns * kLanes) << "][" << i / kLanes % columns << "]["
           << i % kLanes << ']';
    }
    return text.str();
  }

  // The elements that are checked one by one: evenly spread ones, and the first of each parameter.
  std::vector<std::size_t> checked() const {
    std::vector<std::size_t> elements;
    const std::size_t n = values.size(), count = std::min(n, kMaxElements);
    for (std::size_t k = 0; k < count; ++k) elements.push_back(k * n / count);
    if (layout != nullptr) {
      for (const ParameterInfo& info : layout->entries()) elements.push_back(info.offset);
    }
    return elements;
  }
};

class Check {
 public:
  Check(const CheckedFunction& f, const std::vector<CheckedInput>& inputs,
        const std::vector<CheckedParameter>& parameters, const GradientTolerances& tolerances)
      : f_(f), inputs_(inputs), tolerances_(tolerances) {
    for (const CheckedInput& x : inputs) {
      points_.push_back({x.name, 0, x.elements, x.values, {}, nullptr});
      REQUIRE(x.values.size() == x.elements * x.groups * kLanes);
    }
    for (const CheckedParameter& p : parameters) {
      points_.push_back({p.name, p.rows, p.columns, p.values, {}, p.layout});
      REQUIRE(p.values.size() == p.rows * p.columns);
    }
  }

  std::vector<std::string> errors() {
    std::vector<std::vector<double>> twice = backward(2);
    const std::vector<std::vector<double>> once = backward(1);
    for (std::size_t p = 0; p < points_.size(); ++p) {
      points_[p].gradient = once[p];
      for (std::size_t i = 0; i < once[p].size(); ++i) {
        if (!Tolerance{1e-12, 1e-12}.holds(twice[p][i], 2 * once[p][i])) {
          complain(points_[p].element(i) + ", used twice", twice[p][i], 2 * once[p][i],
                   "two single uses");
        }
      }
    }
    for (Point& point : points_) check_elements(point);
    check_direction();
    return std::move(errors_);
  }

 private:
  std::vector<Var> load_inputs(Tape<double>& tape) const {
    std::vector<Var> inputs;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs.push_back(tape.variable(inputs_[i].elements, inputs_[i].groups));
      std::copy(points_[i].values.begin(), points_[i].values.end(), tape.value(inputs[i]));
    }
    return inputs;
  }

  // Parameters whose gradients, if wanted, are added to `gradients`, one of them per point.
  std::vector<Parameter<double>> load_parameters(
      std::vector<std::vector<double>>* gradients) const {
    std::vector<Parameter<double>> parameters;
    for (std::size_t i = inputs_.size(); i < points_.size(); ++i) {
      const Point& p = points_[i];
      double* gradient = gradients ? (*gradients)[i].data() : nullptr;
      parameters.push_back({p.values.data(), gradient, p.rows, p.columns});
    }
    return parameters;
  }

  // The weight of output number i in the scalar that is differentiated.
  static std::vector<double> output_weights(std::size_t n) { return random_numbers(0xD0, n); }

  double scalar() const {
    Tape<double> tape(false);
    const std::vector<Var> inputs = load_inputs(tape);
    const std::vector<Parameter<double>> parameters = load_parameters(nullptr);
    const Var y = f_(tape, inputs, parameters);
    const std::vector<double> weights = output_weights(y.size());
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += weights[i] * tape.value(y)[i];
    return sum;
  }

  // The gradients of f computed `times` times from the same inputs.
  std::vector<std::vector<double>> backward(int times) const {
    // Gradients of parameters begin at a number that must still be there in the end.
    constexpr double kBefore = 0.5;
    std::vector<std::vector<double>> gradients;
    for (const Point& p : points_) gradients.emplace_back(p.values.size(), kBefore);
    Tape<double> tape(true);
    const std::vector<Var> inputs = load_inputs(tape);
    const std::vector<Parameter<double>> parameters = load_parameters(&gradients);
    for (int i = 0; i < times; ++i) {
      const Var y = f_(tape, inputs, parameters);
      const std::vector<double> weights = output_weights(y.size());
      std::copy(weights.begin(), weights.end(), tape.adjoint(y).data);
    }
    tape.backward();
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const double* adjoint = tape.adjoint_to_add(inputs[i]);
      gradients[i].assign(adjoint, adjoint + inputs[i].size());
    }
    for (std::size_t i = inputs_.size(); i < points_.size(); ++i) {
      for (double& g : gradients[i]) g -= kBefore;
    }
    return gradients;
  }

  // d/ds f(move(s)) at s = 0 from four points; the error is of order step^4.
  template <class Move>
  double difference(const Move& move) {
    const double h = tolerances_.step;
    const auto at = [&](double s) {
      move(s);
      return scalar();
    };
    const double wide = at(2 * h) - at(-2 * h), narrow = at(h) - at(-h);
    move(0);
    return (8 * narrow - wide) / (12 * h);
  }

  void check_elements(Point& point) {
    for (const std::size_t i : point.checked()) {
      const double x = point.values[i];
      const double expected = difference([&](double s) { point.values[i] = x + s; });
      compare(point.element(i), point.gradient[i], expected);
    }
  }

  void check_direction() {
    std::vector<std::vector<double>> directions, start;
    double slope = 0, count = 0;
    for (std::size_t p = 0; p < points_.size(); ++p) {
      directions.push_back(random_numbers(0xD1 + p, points_[p].values.size()));
      start.push_back(points_[p].values);
      count += static_cast<double>(start[p].size());
    }
    for (std::size_t p = 0; p < points_.size(); ++p) {
      for (std::size_t i = 0; i < start[p].size(); ++i) {
        directions[p][i] /= std::sqrt(count);  // unit length
        slope += directions[p][i] * points_[p].gradient[i];
      }
    }
    const double expected = difference([&](double s) {
      for (std::size_t p = 0; p < points_.size(); ++p) {
        for (std::size_t i = 0; i < start[p].size(); ++i) {
          points_[p].values[i] = start[p][i] + s * directions[p][i];
        }
      }
    });
    compare("a random direction", slope, expected);
  }

  void compare(const std::string& what, double got, double expected) {
    if (!tolerances_.tolerance.holds(got, expected)) complain(what, got, expected, "differences");
  }
  void complain(const std::string& what, double got, double expected, const char* source) {
    std::ostringstream text;
    text.precision(12);
    text << what << ": backward says " << got << ", " << source << " say " << expected;
    errors_.push_back(text.str());
  }

  const CheckedFunction& f_;
  const std::vector<CheckedInput>& inputs_;
  GradientTolerances tolerances_;
  std::vector<Point> points_;  // the inputs, then the parameters
  std::vector<std::string> errors_;
};

}  // namespace

std::vector<double> random_numbers(std::uint64_t key, std::size_t n, double deviation) {
  Rng rng(key, RngPurpose::kTest);
  std::vector<double> x(n);
  for (double& xi : x) xi = deviation * rng.normal();
  return x;
}

CheckedInput random_input(std::string name, std::size_t elements, std::size_t groups,
                          std::uint64_t key, double deviation) {
  return {std::move(name), elements, groups,
          random_numbers(key, elements * groups * kLanes, deviation)};
}

CheckedParameter random_parameter(std::string name, std::size_t rows, std::size_t columns,
                                  std::uint64_t key, double deviation) {
  return {std::move(name), rows, columns, random_numbers(key, rows * columns, deviation), nullptr};
}

std::vector<std::string> gradient_errors(const CheckedFunction& f,
                                         const std::vector<CheckedInput>& inputs,
                                         const std::vector<CheckedParameter>& parameters,
                                         const GradientTolerances& tolerances) {
  return Check(f, inputs, parameters, tolerances).errors();
}

void expect_gradient(const CheckedFunction& f, const std::vector<CheckedInput>& inputs,
                     const std::vector<CheckedParameter>& parameters,
                     const GradientTolerances& tolerances) {
  const std::vector<std::string> errors = gradient_errors(f, inputs, parameters, tolerances);
  constexpr std::size_t kShown = 5;
  std::string text = std::to_string(errors.size()) + " wrong gradients";
  for (std::size_t i = 0; i < std::min(errors.size(), kShown); ++i) text += "\n  " + errors[i];
  CHECK_MESSAGE(errors.empty(), text);
}

}  // namespace iflow
