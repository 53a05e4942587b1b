#include "kernels/activation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/simd.h"
#include "support/tolerances.h"

namespace iflow::kernels {
namespace {

constexpr Activation kAll[] = {Activation::kSigmoid, Activation::kTanh,     Activation::kRelu,
                               Activation::kElu,     Activation::kLipSwish, Activation::kSine};
constexpr double kParameters[] = {0.05, 0.7, 1, 3, 10, 30};

// Rounding errors of a few operations whose intermediate results are of the order of `scale`.
template <class T>
Tolerance rounding(double scale) {
  const double epsilon = std::numeric_limits<T>::epsilon();
  return {8 * epsilon, 8 * epsilon * scale};
}

// Values and tangents like those of a branch, some of them large.
template <class T>
AlignedVector<T> numbers(Rng& rng, std::size_t n) {
  AlignedVector<T> x(n);
  for (T& xi : x) xi = static_cast<T>((rng.below(8) == 0 ? 20 : 1.5) * rng.normal());
  return x;
}

TEST_CASE("the reference's derivatives agree with differences") {
  for (const Activation activation : kAll) {
    for (const double a : kParameters) {
      for (double z = -6.03; z < 6; z += 0.1) {
        const double h = 1e-4 / std::fmax(a, 1);
        const auto at = [&](double da, double dz) {
          return activation_reference(activation, a + da, z + dz);
        };
        // d/dt f at 0 for f(t) read off at(t da, t dz), by four points.
        const auto slope = [&](double da, double dz, double ActivationValue::*f) {
          const auto value = [&](double t) { return at(t * da, t * dz).*f; };
          return (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h);
        };
        const ActivationValue here = at(0, 0);
        const Tolerance tolerance{1e-8, 1e-9 * std::fmax(a, 1)};
        INFO("activation ", static_cast<int>(activation), ", a = ", a, ", z = ", z);
        CHECK(tolerance.holds(here.first, slope(0, 1, &ActivationValue::value)));
        CHECK(tolerance.holds(here.second, slope(0, 1, &ActivationValue::first)));
        if (!has_parameter(activation)) continue;
        CHECK(tolerance.holds(here.value_by_a, slope(1, 0, &ActivationValue::value)));
        CHECK(tolerance.holds(here.first_by_a, slope(1, 0, &ActivationValue::first)));
      }
    }
  }
}

TEST_CASE_TEMPLATE("values and tangents agree with the reference", T, float, double) {
  constexpr std::size_t kElements = 3, kGroups = 2, kSize = kElements * kGroups * kLanes;
  Rng rng(1, RngPurpose::kTest);
  for (const Activation activation : kAll) {
    for (const double parameter : kParameters) {
      for (const std::size_t tangents : {0, 1, 3}) {
        const T a = static_cast<T>(parameter);
        const AlignedVector<T> z = numbers<T>(rng, (1 + tangents) * kSize);
        AlignedVector<T> y(z.size()), first(kSize), again(z.size());
        activation_forward(activation, a, z.data(), y.data(), first.data(), kElements, kGroups,
                           tangents);
        for (std::size_t i = 0; i < kSize; ++i) {
          const ActivationValue expected = activation_reference(activation, a, z[i]);
          // a z is rounded before a sine or a sigmoid is taken of it.
          const double phase = 1 + std::fabs(double{a} * z[i]);
          INFO("activation ", static_cast<int>(activation), ", a = ", a, ", z = ", z[i]);
          const double scale = activation == Activation::kSine ? phase / parameter : phase;
          CHECK(rounding<T>(scale).holds(y[i], expected.value));
          CHECK(rounding<T>(phase).holds(first[i], expected.first));
          for (std::size_t t = 1; t <= tangents; ++t) {
            const double tangent = z[t * kSize + i];
            CHECK(rounding<T>(phase * std::fabs(tangent))
                      .holds(y[t * kSize + i], expected.first * tangent));
          }
        }
        // Without phi' kept the rest is the same.
        activation_forward<T>(activation, a, z.data(), again.data(), nullptr, kElements, kGroups,
                              tangents);
        CHECK((again == y));
      }
    }
  }
}

TEST_CASE_TEMPLATE("adjoints agree with the reference", T, float, double) {
  constexpr std::size_t kElements = 2, kGroups = 2, kSize = kElements * kGroups * kLanes;
  Rng rng(2, RngPurpose::kTest);
  for (const Activation activation : kAll) {
    for (const double parameter : kParameters) {
      for (const std::size_t tangents : {0, 1, 3}) {
        const T a = static_cast<T>(parameter);
        const AlignedVector<T> z = numbers<T>(rng, (1 + tangents) * kSize);
        const AlignedVector<T> dy = numbers<T>(rng, z.size());
        AlignedVector<T> y(z.size()), first(kSize);
        AlignedVector<T> dz(z.size(), std::numeric_limits<T>::quiet_NaN());
        activation_forward(activation, a, z.data(), y.data(), first.data(), kElements, kGroups,
                           tangents);
        const T da = activation_backward(activation, a, z.data(), y.data(), first.data(), dy.data(),
                                         dz.data(), kElements, kGroups, tangents);
        AlignedVector<T> in_place = dy;
        const T da_in_place =
            activation_backward(activation, a, z.data(), y.data(), first.data(), in_place.data(),
                                in_place.data(), kElements, kGroups, tangents);
        CHECK((in_place == dz));
        CHECK(da_in_place == da);
        double expected_da = 0, scale_da = 0;
        for (std::size_t i = 0; i < kSize; ++i) {
          const ActivationValue at = activation_reference(activation, a, z[i]);
          double d_first = 0, size_of_d_first = 0;
          for (std::size_t t = 1; t <= tangents; ++t) {
            const std::size_t j = t * kSize + i;
            d_first += double{z[j]} * dy[j];
            size_of_d_first += std::fabs(double{z[j]} * dy[j]);
            CHECK(rounding<T>((1 + std::fabs(double{a} * z[i])) * std::fabs(dy[j]))
                      .holds(dz[j], at.first * dy[j]));
          }
          const double expected = at.first * dy[i] + at.second * d_first;
          const double phase = 1 + std::fabs(double{a} * z[i]);
          INFO("activation ", static_cast<int>(activation), ", a = ", a, ", z = ", z[i]);
          CHECK(rounding<T>(phase * (std::fabs(dy[i]) + (1 + a) * size_of_d_first))
                    .holds(dz[i], expected));
          expected_da += at.value_by_a * dy[i] + at.first_by_a * d_first;
          const double z_size = 1 + std::fabs(z[i]);
          scale_da += phase * z_size * (std::fabs(dy[i]) / a + (1 + 1 / a) * size_of_d_first);
        }
        INFO("activation ", static_cast<int>(activation), ", a = ", a, ", D = ", tangents);
        if (has_parameter(activation)) {
          CHECK(rounding<T>(scale_da).holds(da, expected_da));
        } else {
          CHECK(da == 0);
        }
      }
    }
  }
}

TEST_CASE("lipschitz_constant bounds |phi'| and is not far above it") {
  for (const Activation activation : kAll) {
    const double bound = lipschitz_constant(activation);
    double largest = 0;
    for (const double a : kParameters) {
      for (double az = -40; az <= 40; az += 1e-3) {
        const double z = has_parameter(activation) ? az / a : az;
        largest = std::fmax(largest, std::fabs(activation_reference(activation, a, z).first));
      }
    }
    INFO("activation ", static_cast<int>(activation));
    CHECK(largest <= bound);
    CHECK(largest > 0.999 * bound);
    CHECK(bound <= 1);
  }
}

TEST_CASE("the constants of LipSwish bound its slope to the last digit") {
  // The slope of z sigmoid(z) is largest where its second derivative vanishes, near z = 2.3994.
  long double low = 2.3, high = 2.5;
  const auto second = [](long double z) {
    const long double s = 1 / (1 + std::exp(-z));
    return s * (1 - s) * (2 + z * (1 - 2 * s));
  };
  for (int i = 0; i < 200; ++i) {
    const long double middle = (low + high) / 2;
    (second(middle) > 0 ? low : high) = middle;
  }
  const long double s = 1 / (1 + std::exp(-low));
  const long double slope = s + low * s * (1 - s);
  const double bound = lipschitz_constant(Activation::kLipSwish);
  CHECK(static_cast<double>(slope / 1.1L) <= bound);
  CHECK(static_cast<double>(slope / 1.1L) > bound - 1e-6);

  // [LipSwish(z), LipSwish(-z)]: the published bound 1.004 of the root of the summed squares.
  double largest = 0;
  for (double z = -20; z <= 20; z += 1e-4) {
    const double up = activation_reference(Activation::kLipSwish, 1, z).first;
    const double down = activation_reference(Activation::kLipSwish, 1, -z).first;
    largest = std::fmax(largest, std::hypot(up, down));
  }
  CHECK(largest <= 1.004);
  CHECK(largest > 1.003);
}

TEST_CASE_TEMPLATE("activations of huge arguments are finite and keep their bound", T, float,
                   double) {
  for (const Activation activation : kAll) {
    for (const double magnitude : {100.0, 1e4, 1e8, 1e15}) {
      for (const double sign : {-1.0, 1.0}) {
        AlignedVector<T> z(2 * kLanes, T(1)), y(2 * kLanes);
        std::fill_n(z.data(), kLanes, static_cast<T>(sign * magnitude));
        activation_forward<T>(activation, T(2), z.data(), y.data(), nullptr, 1, 1, 1);
        INFO("activation ", static_cast<int>(activation), ", z = ", z[0]);
        CHECK(std::isfinite(y[0]));
        CHECK(std::fabs(y[0]) <= 1.01 * magnitude);
        CHECK(std::fabs(y[kLanes]) <= 1 + 1e-6);
      }
    }
  }
}

TEST_CASE_TEMPLATE("activations pass on what is not a number", T, float, double) {
  for (const Activation activation : kAll) {
    if (activation == Activation::kRelu) continue;  // max(z, 0) of none is 0
    AlignedVector<T> z(kLanes, std::numeric_limits<T>::quiet_NaN()), y(kLanes);
    activation_forward<T>(activation, T(2), z.data(), y.data(), nullptr, 1, 1, 0);
    INFO("activation ", static_cast<int>(activation));
    CHECK(std::isnan(y[0]));
  }
}

}  // namespace
}  // namespace iflow::kernels
