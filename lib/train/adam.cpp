#include "train/adam.h"

#include <cmath>

namespace iflow {

// A plain loop, which the compiler vectorises: every number takes the same operations wherever it
// stands. A library's arrays treat numbers before the first aligned address otherwise than the
// rest (another square root), so that the bits of a run would hang on where memory happened to be.
void adam_update(const AdamConfig& config, double alpha, std::uint64_t t, const float* g,
                 std::size_t n, float* theta, float* m, float* v) {
  const double time = static_cast<double>(t);
  const auto beta1 = static_cast<float>(config.beta1);
  const auto beta2 = static_cast<float>(config.beta2);
  const auto rest1 = static_cast<float>(1 - config.beta1);
  const auto rest2 = static_cast<float>(1 - config.beta2);
  // m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t)
  const auto step = static_cast<float>(alpha / (1 - std::pow(config.beta1, time)));
  const auto root = static_cast<float>(1 / std::sqrt(1 - std::pow(config.beta2, time)));
  const auto epsilon = static_cast<float>(config.epsilon);
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = beta1 * m[i] + rest1 * g[i];
    v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
    theta[i] -= step * m[i] / (std::sqrt(v[i]) * root + epsilon);
  }
}

}  // namespace iflow
