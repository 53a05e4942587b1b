#include "train/adam.h"

#include <Eigen/Core>
#include <cmath>

namespace iflow {

void adam_update(const AdamConfig& config, double alpha, std::uint64_t t, const float* g,
                 std::size_t n, float* theta, float* m, float* v) {
  const auto size = static_cast<Eigen::Index>(n);
  const Eigen::Map<const Eigen::ArrayXf> gradient(g, size);
  Eigen::Map<Eigen::ArrayXf> parameters(theta, size), first(m, size), second(v, size);
  const auto beta1 = static_cast<float>(config.beta1);
  const auto beta2 = static_cast<float>(config.beta2);
  const double time = static_cast<double>(t);
  // m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t)
  const auto step = static_cast<float>(alpha / (1 - std::pow(config.beta1, time)));
  const auto root = static_cast<float>(1 / std::sqrt(1 - std::pow(config.beta2, time)));
  const auto epsilon = static_cast<float>(config.epsilon);
  first = beta1 * first + (1 - beta1) * gradient;
  second = beta2 * second + (1 - beta2) * gradient.square();
  parameters -= step * first / (second.sqrt() * root + epsilon);
}

}  // namespace iflow
