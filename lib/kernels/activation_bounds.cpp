#include "kernels/activation_bounds.h"

#include <cmath>
#include <limits>

#include "kernels/clipswish.h"

namespace iflow {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

// In ulp of their results, each 2 u of them at most: sin and cos 2.7 (of at least 2^-8), exp 1.2,
// sigmoid 2.5. The parameter, a softplus, is off by at most 8 u of itself.
ActivationBounds activation_bounds(Activation activation, double a) {
  const double lipschitz = lipschitz_constant(activation);
  switch (activation) {
    case Activation::kSigmoid:  // |phi''| <= 1 / (6 sqrt 3)
      return {lipschitz, 0.0962251, 0.5, 1, 5, 0, 8, 0};
    case Activation::kTanh:  // 2 sigmoid(2 z) - 1; |phi''| <= 4 / (3 sqrt 3)
      return {lipschitz, 0.7698004, 0, 1, 12, 0, 28, 0};
    case Activation::kRelu:
      return {lipschitz, kInfinity, 0, kInfinity, 0, 0, 0, 0};
    case Activation::kElu:
      return {lipschitz, 1, 0, kInfinity, 4, 0, 3, 0};
    case Activation::kLipSwish:
      // |phi''| is largest at 0, a / 2.2. The phase w = a z is off by 9 u of itself, by which
      // sigmoid(w) moves by at most 9 u .2239 and sigmoid(w) + w sigmoid'(w) by less than 9 u. 1 -
      // sigmoid(w) is off by 2.5 u and w times that up to w = 37; beyond, sigmoid(w) is 1.
      return {lipschitz, a / 2.2 * (1 + 1e-15), 0, kInfinity, 0, 12, 120, 0};
    case Activation::kSine:
      break;
  }
  // sin(w) / a is off by 5.4 u |z|, by 3 u |z| for w = a z and 1 / a, and by 16 u |z| for a; cos(w)
  // by 5.4 u and 9 u |w|.
  return {lipschitz, a * (1 + 1e-15), 0, 1 / a * (1 + 1e-15), 0, 25, 6, 9 * a};
}

ActivationBounds activation_bounds(ChannelActivation phi, double a) {
  const ActivationBounds one = activation_bounds(phi.kind, a);
  if (!phi.concatenated) return one;
  // [phi(z), phi(-z)] / k, or with the second half from the first: a few more roundings of numbers
  // of at most |z|, or of slopes of at most 1.
  const double pair = std::sqrt(2.0) / kernels::kClipSwishLipschitz, more = 8;
  return {lipschitz_constant(phi),
          one.slope_lipschitz * pair,
          one.at_zero * pair,
          one.largest * pair,
          one.rounding * pair,
          one.rounding_by_size * pair + more,
          one.slope_rounding * pair + more,
          one.slope_rounding_by_size * pair};
}

}  // namespace iflow
