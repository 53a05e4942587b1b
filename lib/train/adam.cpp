#include "train/adam.h"

#include <cmath>

namespace iflow {

AdamStep::AdamStep(const AdamConfig& config, double alpha, std::uint64_t t)
    : beta1(static_cast<float>(config.beta1)),
      beta2(static_cast<float>(config.beta2)),
      rest1(static_cast<float>(1 - config.beta1)),
      rest2(static_cast<float>(1 - config.beta2)),
      size(static_cast<float>(alpha / (1 - std::pow(config.beta1, static_cast<double>(t))))),
      root(static_cast<float>(1 / std::sqrt(1 - std::pow(config.beta2, static_cast<double>(t))))),
      epsilon(static_cast<float>(config.epsilon)),
      gathered(1 - std::pow(config.beta2, static_cast<double>(t - 1))) {}

// A plain loop, which the compiler vectorises: every number takes the same operations wherever it
// stands. A library's arrays treat numbers before the first aligned address otherwise than the
// rest (another square root), so that the bits of a run would hang on where memory happened to be.
void adam_update(const AdamStep& step, const float* g, std::size_t n, float* theta, float* m,
                 float* v) {
  const auto [beta1, beta2, rest1, rest2, size, root, epsilon, gathered] = step;
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = beta1 * m[i] + rest1 * g[i];
    v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
    // theta -= alpha m_hat / (sqrt(v_hat) + epsilon), m_hat = m / (1 - beta1^t), v_hat likewise
    theta[i] -= size * m[i] / (std::sqrt(v[i]) * root + epsilon);
  }
}

}  // namespace iflow
