#include "objective/likelihood.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "flow/flow_fixture.h"
#include "objective/base_density.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

TEST_CASE("likelihood: ln p is the base density of z and the log-determinant") {
  const FlowFixture flow(flow_config(3, 2, "sine"));
  const std::vector<double> rows = random_rows(5, 16, 3);
  Tape<double> tape(false);
  const Pass<double> pass{tape, flow.flow.layout(), flow.values.data()};
  const Var x = tape.variable(3, 1);
  rows_to_lanes(rows.data(), 16, 3, tape.value(x));
  const Transformed z = flow.flow.forward(pass, x, 0, flow.flow.layer_count());
  std::vector<double> latent(rows.size());
  lanes_to_rows(tape.value(z.y), 16, 3, latent.data());
  const Var log_p = Likelihood(flow.flow).log_density(pass, x);
  for (std::size_t i = 0; i < 16; ++i) {
    const double expected =
        log_base_density(std::span(latent).subspan(3 * i, 3)) + tape.value(z.log_det)[i];
    CHECK(kRounding.holds(tape.value(log_p)[i], expected));
  }
}

TEST_CASE("likelihood: gradients of the log-density by parameters and rows") {
  for (const std::string& activation : activation_names()) {
    for (const std::size_t d : {1, 2, 3, 5, 16}) {
      INFO(activation, ", d = ", d);
      const FlowFixture flow(flow_config(d, 2, activation));
      const CheckedFunction log_density = [&](Tape<double>& tape, std::span<const Var> x,
                                              std::span<const Parameter<double>> p) {
        const Pass<double> pass{tape, flow.flow.layout(), p[0].value, p[0].gradient};
        return Likelihood(flow.flow).log_density(pass, x[0]);
      };
      expect_gradient(
          log_density, {random_input("x", d, 1, 2)},
          {{"parameters", 1, flow.flow.layout().size(), flow.values, &flow.flow.layout()}},
          gradient_tolerances(activation));
    }
  }
}

TEST_CASE("likelihood: recording changes no value") {
  const FlowFixture flow(flow_config(3, 3, "sine"));
  std::vector<double> gradients(flow.flow.layout().size(), 0);
  Tape<double> recording(true), plain(false);
  const auto density = [&](Tape<double>& tape, double* gradient) {
    const Var x = tape.variable(3, 2);
    const std::vector<double> numbers = random_numbers(3, x.size());
    std::copy(numbers.begin(), numbers.end(), tape.value(x));
    const Pass<double> pass{tape, flow.flow.layout(), flow.values.data(), gradient};
    const Var y = Likelihood(flow.flow).log_density(pass, x);
    return std::vector<double>(tape.value(y), tape.value(y) + y.size());
  };
  const std::vector<double> a = density(recording, gradients.data()), b = density(plain, nullptr);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(kRounding.holds(a[i], b[i]));
}

TEST_CASE("likelihood: log_density of rows past the prefix leaves out the prefix's log_det") {
  const FlowFixture flow(flow_config(2, 1, "elu"));
  CHECK(flow.flow.prefix_layers() == 1);
  const std::vector<double> rows = random_rows(4, 16, 2);
  Tape<double> tape(false);
  const Pass<double> pass{tape, flow.flow.layout(), flow.values.data()};
  const Var x = tape.variable(2, 1);
  rows_to_lanes(rows.data(), 16, 2, tape.value(x));
  const Var whole = Likelihood(flow.flow).log_density(pass, x);
  const Transformed past = flow.flow.layer(0).forward(pass, x);
  const Var rest = Likelihood(flow.flow).log_density(pass, past.y, 1);
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(kRounding.holds(tape.value(whole)[i], tape.value(rest)[i] + tape.value(past.log_det)[i]));
  }
}

TEST_CASE("likelihood: a recording pass needs the same memory every time") {
  const FlowFixture flow(flow_config(3, 2, "clipswish"));
  std::vector<double> gradients(flow.flow.layout().size(), 0);
  Tape<double> tape(true);
  std::size_t after_one = 0;
  for (int i = 0; i < 10; ++i) {
    tape.clear();
    const Pass<double> pass{tape, flow.flow.layout(), flow.values.data(), gradients.data()};
    const Var x = tape.variable(3, 4);
    std::fill_n(tape.value(x), x.size(), 0.3);
    const Var y = Likelihood(flow.flow).log_density(pass, x);
    std::fill_n(tape.adjoint(y).data, y.size(), 1.0);
    tape.backward();
    if (i == 0) after_one = tape.capacity();
  }
  CHECK(tape.capacity() == after_one);
}

}  // namespace
}  // namespace iflow
