#include "kernels/activation_bounds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/simd.h"
#include "kernels/softplus.h"

namespace iflow::kernels {
namespace {

using Wide = long double;

constexpr Activation kAll[] = {Activation::kSigmoid, Activation::kTanh,     Activation::kRelu,
                               Activation::kElu,     Activation::kLipSwish, Activation::kSine};
constexpr double kRaw[] = {-3, 0.1, 1, 3, 10, 30};  // of the activation's parameter

struct Exact {
  Wide value, slope;
};

Exact exact(Activation activation, Wide a, Wide z) {
  const Wide s = 1 / (1 + std::exp(-(activation == Activation::kLipSwish ? a * z : z)));
  switch (activation) {
    case Activation::kSigmoid:
      return {s, s * (1 - s)};
    case Activation::kTanh:
      return {std::tanh(z), 1 - std::tanh(z) * std::tanh(z)};
    case Activation::kRelu:
      return {std::max(z, Wide(0)), z > 0 ? Wide(1) : Wide(0)};
    case Activation::kElu:
      return {z > 0 ? z : std::expm1(z), z > 0 ? 1 : std::exp(z)};
    case Activation::kLipSwish:
      return {z * s / 1.1L, (s + a * z * s * (1 - s)) / 1.1L};
    case Activation::kSine:
      break;
  }
  return {std::sin(a * z) / a, std::cos(a * z)};
}

// Numbers of all sizes, many of them about 1.
template <class T>
AlignedVector<T> numbers(std::size_t n) {
  Rng rng(1, RngPurpose::kTest);
  AlignedVector<T> z(n);
  for (T& zi : z) zi = static_cast<T>(rng.normal() * std::exp(2 * rng.normal()));
  return z;
}

TEST_CASE_TEMPLATE("activations and slopes are off by no more than stated", T, float, double) {
  constexpr std::size_t kSize = 400 * kLanes;
  const double u = std::numeric_limits<T>::epsilon() / 2.0;
  for (const Activation activation : kAll) {
    for (const double raw : kRaw) {
      const bool learned = has_parameter(activation);
      const T a = learned ? softplus(static_cast<T>(raw)) : T(1);
      const Wide exact_a = learned ? std::log1p(std::exp(Wide(static_cast<T>(raw)))) : 1;
      const ActivationBounds bounds = activation_bounds(activation, static_cast<double>(exact_a));
      const AlignedVector<T> z = numbers<T>(kSize);
      AlignedVector<T> y(kSize), slope(kSize);
      activation_forward(activation, a, z.data(), y.data(), slope.data(), kSize / kLanes, 1, 0);
      double value_share = 0, slope_share = 0;
      for (std::size_t i = 0; i < kSize; ++i) {
        const Exact e = exact(activation, exact_a, z[i]);
        const double size = std::fabs(double{z[i]});
        const double value = u * (bounds.rounding + bounds.rounding_by_size * size),
                     of_slope = u * (bounds.slope_rounding + bounds.slope_rounding_by_size * size);
        const double value_off = static_cast<double>(std::fabs(y[i] - e.value)),
                     slope_off = static_cast<double>(std::fabs(slope[i] - e.slope));
        if (value_off > 0) value_share = std::max(value_share, value_off / value);
        if (slope_off > 0) slope_share = std::max(slope_share, slope_off / of_slope);
      }
      INFO("activation ", static_cast<int>(activation), ", a = ", static_cast<double>(exact_a));
      CHECK(value_share <= 1);
      CHECK(slope_share <= 1);
      if (activation != Activation::kRelu) CHECK(value_share > 0.02);
    }
  }
}

TEST_CASE("slopes, values and how much slopes vary keep within their bounds") {
  for (const Activation activation : kAll) {
    for (const double a : {0.05, 1.0, 10.0}) {
      if (!has_parameter(activation) && a != 1) continue;
      INFO("activation ", static_cast<int>(activation), ", a = ", a);
      const ActivationBounds bounds = activation_bounds(activation, a);
      double steepest = 0, largest = 0, bend = 0;
      const double step = 0.001 / std::max(a, 0.05);
      for (double z = -12 / a; z < 12 / a; z += step) {
        const ActivationValue at = activation_reference(activation, a, z);
        steepest = std::max(steepest, std::fabs(at.first));
        largest = std::max(largest, std::fabs(at.value));
        bend = std::max(bend, std::fabs(at.second));
      }
      CHECK(steepest <= bounds.lipschitz);
      CHECK(steepest > 0.999 * bounds.lipschitz);
      CHECK(largest <= bounds.largest);
      CHECK(std::fabs(activation_reference(activation, a, 0).value) <= bounds.at_zero);
      if (activation == Activation::kRelu) continue;
      CHECK(bend <= bounds.slope_lipschitz);
      CHECK(bend > 0.999 * bounds.slope_lipschitz);
    }
  }
}

}  // namespace
}  // namespace iflow::kernels
