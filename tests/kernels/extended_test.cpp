#include "kernels/extended.h"

#include <doctest/doctest.h>
#include <math.h>  // the functions of _Float128 are not in std

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/activation_bounds.h"

namespace iflow {
namespace {

using Quad = _Float128;

constexpr ChannelActivation kAll[] = {
    {Activation::kSigmoid},  {Activation::kTanh}, {Activation::kRelu},          {Activation::kElu},
    {Activation::kLipSwish}, {Activation::kSine}, {Activation::kLipSwish, true}};

// phi(z) to 33 digits.
Quad quad_activation(Activation phi, Quad a, Quad z) {
  switch (phi) {
    case Activation::kSigmoid:
      return 1 / (1 + expf128(-z));
    case Activation::kTanh:
      return tanhf128(z);
    case Activation::kRelu:
      return z > 0 ? z : Quad(0);
    case Activation::kElu:
      return z > 0 ? z : expm1f128(z);
    case Activation::kLipSwish:
      return z / (1 + expf128(-a * z)) * 10 / 11;
    case Activation::kSine:
      break;
  }
  return sinf128(a * z) / a;
}

// From 0 over the subnormal to the large, of either sign.
std::vector<Extended> arguments() {
  std::vector<Extended> z = {0, 1e-310L};
  for (int i = 0; i < 2000; ++i) {
    z.push_back(std::pow(10.0L, -12 + 15 * i / 2000.0L));
    z.push_back(-z.back() * 1.0123L);
  }
  return z;
}

TEST_CASE("activations in extended precision are as exact as their bounds say") {
  for (const ChannelActivation& phi : kAll) {
    for (const double a : {0.3, 1.0, 10.0}) {
      if (!has_parameter(phi.kind) && a != 1) continue;
      INFO("activation ", static_cast<int>(phi.kind), ", a = ", a);
      const ActivationBounds bounds = activation_bounds(phi, a);
      const std::vector<Extended> z = arguments();
      const std::vector<Extended> y = kernels::extended_activation(phi, a, z);
      REQUIRE(y.size() == phi.outputs(z.size()));
      double worst = 0;  // as a share of the bound
      for (std::size_t i = 0; i < y.size(); ++i) {
        const Quad sign = i < z.size() ? 1 : -1, zi = sign * Quad(z[i % z.size()]);
        Quad exact = quad_activation(phi.kind, a, zi);
        if (phi.concatenated) exact = exact * 1000 / 1004;
        const double off = std::fabs(static_cast<double>(Quad(y[i]) - exact));
        const double size = std::fabs(static_cast<double>(zi));
        const double bound =
            kExtendedRoundoff * (bounds.rounding + bounds.rounding_by_size * size) + 1e-300;
        worst = std::max(worst, off / bound);
      }
      CHECK(worst <= 1);
    }
  }
}

}  // namespace
}  // namespace iflow
