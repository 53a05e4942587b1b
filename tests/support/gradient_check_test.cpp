#include "support/gradient_check.h"

#include <doctest/doctest.h>

namespace iflow {
namespace {

// y = w x^2 with a backward that can be made wrong in one place.
enum class Fault { kNone, kInput, kOneLane, kParameter, kOverwritesInput, kOverwritesParameter };

Var scaled_square(Tape<double>& tape, Var x, const Parameter<double>& w, Fault fault) {
  const Var y = tape.variable(x.elements, x.groups);
  for (std::size_t i = 0; i < x.size(); ++i) {
    tape.value(y)[i] = *w.value * tape.value(x)[i] * tape.value(x)[i];
  }
  tape.on_backward(y, [=](Tape<double>& t) {
    const double* dy = t.output_adjoint(y);
    const double* xs = t.value(x);
    double* dx = t.adjoint_to_add(x);
    double dw = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      double by_x = 2 * *w.value * xs[i] * dy[i];
      if (fault == Fault::kInput) by_x *= 1.00001;
      if (fault == Fault::kOneLane && i == 7) by_x = 0;
      dx[i] = by_x + (fault == Fault::kOverwritesInput ? 0 : dx[i]);
      dw += xs[i] * xs[i] * dy[i];
    }
    if (fault == Fault::kParameter) dw = -dw;
    *w.gradient = dw + (fault == Fault::kOverwritesParameter ? 0 : *w.gradient);
  });
  return y;
}

std::vector<std::string> errors_of(Fault fault) {
  return gradient_errors(
      [=](Tape<double>& tape, std::span<const Var> x, std::span<const Parameter<double>> p) {
        return scaled_square(tape, x[0], p[0], fault);
      },
      {random_input("x", 2, 1, 1)}, {random_parameter("w", 1, 1, 2)});
}

TEST_CASE("gradient check passes a right backward and names what a wrong one gets wrong") {
  CHECK(errors_of(Fault::kNone).empty());
  CHECK(errors_of(Fault::kInput).size() >= 30);
  const std::vector<std::string> one = errors_of(Fault::kOneLane);
  REQUIRE(one.size() == 2);
  CHECK(one[0].starts_with("x[0][0][7]: backward says 0, differences say "));
  CHECK(one[1].starts_with("a random direction: "));
  const std::vector<std::string> parameter = errors_of(Fault::kParameter);
  REQUIRE(parameter.size() == 2);
  CHECK(parameter[0].starts_with("w(0,0): "));
  CHECK(errors_of(Fault::kOverwritesInput).size() == 32);
  CHECK_FALSE(errors_of(Fault::kOverwritesParameter).empty());
}

}  // namespace
}  // namespace iflow
