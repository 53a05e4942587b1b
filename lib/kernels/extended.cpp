#include "kernels/extended.h"

#include <cmath>

namespace iflow::kernels {

namespace {

Extended sigmoid(Extended z) { return 1 / (1 + std::exp(-z)); }

Extended phi_of(Activation phi, Extended a, Extended z) {
  switch (phi) {
    case Activation::kSigmoid:
      return sigmoid(z);
    case Activation::kTanh:
      return std::tanh(z);
    case Activation::kRelu:
      return z > 0 ? z : 0;
    case Activation::kElu:
      return z > 0 ? z : std::expm1(z);
    case Activation::kLipSwish:
      return z * sigmoid(a * z) / 1.1L;
    case Activation::kSine:
      break;
  }
  return std::sin(a * z) / a;
}

}  // namespace

std::vector<Extended> extended_activation(ChannelActivation phi, Extended a,
                                          const std::vector<Extended>& z) {
  std::vector<Extended> y;
  y.reserve(phi.outputs(z.size()));
  for (const Extended zi : z) y.push_back(phi_of(phi.kind, a, zi));
  if (!phi.concatenated) return y;
  for (const Extended zi : z) y.push_back(phi_of(phi.kind, a, -zi));
  for (Extended& yi : y) yi /= 1.004L;  // kClipSwishLipschitz, which double rounds
  return y;
}

}  // namespace iflow::kernels
