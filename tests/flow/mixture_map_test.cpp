#include "flow/mixture_map.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "autodiff/ops.h"
#include "base/error.h"
#include "flow/lanes.h"
#include "mixture/mixture_fixture.h"
#include "objective/base_density.h"
#include "support/gradient_check.h"

namespace iflow {
namespace {

const ParameterLayout kNoParameters;

template <class T>
Pass<T> pass_on(Tape<T>& tape) {
  return {tape, kNoParameters, nullptr};
}

// n rows (n, d) as a variable.
template <class T>
Var rows_on(Tape<T>& tape, const std::vector<double>& rows, std::size_t d) {
  const Var x = tape.variable(d, groups_for(rows.size() / d));
  rows_to_lanes(rows.data(), rows.size() / d, d, tape.value(x));
  return x;
}

// In units of what is lost of a number of this size.
template <class T>
double tolerance(double size) {
  return (sizeof(T) == 4 ? 4e-6 : 1e-12) * (1 + std::fabs(size));
}

TEST_CASE_TEMPLATE("in front of a standard normal it is the mixture", T, float, double) {
  for (const std::size_t d : {1, 3}) {
    const GaussianMixture mixture = example_mixture(d);
    const MixtureMap<T> layer({mixture}, d);
    const std::vector<double> rows = normal_numbers(1, 40 * d, 2);
    Tape<T> tape(false);
    const Var x = rows_on(tape, rows, d);
    const Transformed z = layer.forward(pass_on(tape), x);
    const Var base = log_base_density(tape, z.y), direct = *layer.log_density(pass_on(tape), x);
    for (std::size_t i = 0; i < 40; ++i) {
      std::vector<double> row(d);
      for (std::size_t j = 0; j < d; ++j) {
        row[j] = tape.value(x)[(i / kLanes * d + j) * kLanes + i % kLanes];
      }
      const double expected = plain_log_density(mixture, row.data());
      const double sum = static_cast<double>(tape.value(base)[i]) + tape.value(z.log_det)[i];
      CHECK(std::fabs(sum - expected) < 10 * tolerance<T>(expected));
      CHECK(std::fabs(tape.value(direct)[i] - expected) < tolerance<T>(expected));
    }
  }
}

TEST_CASE("gradients of y, ln |det| and of the density") {
  for (const std::size_t d : {1, 2, 4}) {
    const MixtureMap<double> layer({example_mixture(d)}, d);
    const CheckedInput x = random_input("x", d, 2, 3);
    expect_gradient([&](Tape<double>& tape, std::span<const Var> v,
                        auto) { return layer.forward(pass_on(tape), v[0]).y; },
                    {x});
    expect_gradient([&](Tape<double>& tape, std::span<const Var> v,
                        auto) { return layer.forward(pass_on(tape), v[0]).log_det; },
                    {x});
    expect_gradient([&](Tape<double>& tape, std::span<const Var> v,
                        auto) { return *layer.log_density(pass_on(tape), v[0]); },
                    {x});
  }
}

TEST_CASE_TEMPLATE("the inverse undoes it within what is proved", T, float, double) {
  for (const std::size_t d : {1, 2, 5}) {
    const MixtureMap<T> layer({example_mixture(d)}, d);
    const std::vector<double> latent = normal_numbers(2, kLanes * d, 2);
    Tape<T> tape(false);
    const Var z = rows_on(tape, latent, d);
    const Inverted x = layer.inverse(pass_on(tape), z, {}, {});
    std::vector<double> bounds(kLanes, 0);
    layer.bound_inverse(pass_on(tape), z, x, {}, {}, bounds);
    // In double whatever T is: the exact map, as far as a test can tell.
    const MixtureMap<double> exact({example_mixture(d)}, d);
    for (std::size_t l = 0; l < kLanes; ++l) {
      Tape<double> fine(false);
      std::vector<double> row(d);
      for (std::size_t j = 0; j < d; ++j) row[j] = tape.value(z)[j * kLanes + l];
      const Inverted root = exact.inverse(pass_on(fine), rows_on(fine, row, d), {}, {});
      double squares = 0;
      for (std::size_t j = 0; j < d; ++j) {
        const double off =
            static_cast<double>(tape.value(x.x)[j * kLanes + l]) - fine.value(root.x)[j * kLanes];
        squares += off * off;
      }
      const double bound = bounds[l];
      CHECK(std::sqrt(squares) <= bound + 1e-14);
      CHECK(bound < (sizeof(T) == 4 ? 1e-3 : 1e-8));
    }
  }
}

TEST_CASE("a mixture of another dimension is refused") {
  CHECK_THROWS_AS(MixtureMap<double>({example_mixture(2)}, 3), UsageError);
}

}  // namespace
}  // namespace iflow
