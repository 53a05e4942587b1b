#include "baselines/conditional.h"

namespace iflow {

namespace {

std::vector<double> from(const std::vector<double>& values, std::size_t first) {
  return {values.begin() + static_cast<std::ptrdiff_t>(first), values.end()};
}

}  // namespace

Gaussian marginal(const Gaussian& joint, std::size_t first) {
  const std::size_t d = joint.mean.size();
  Gaussian gaussian{from(joint.mean, first), {}};
  for (std::size_t i = first; i < d; ++i) {
    for (std::size_t j = first; j < d; ++j) {
      gaussian.covariance.push_back(joint.covariance[i * d + j]);
    }
  }
  return gaussian;
}

Mixture marginal(const Mixture& joint, std::size_t first) {
  Mixture mixture{joint.weights, {}};
  for (const Gaussian& component : joint.components) {
    mixture.components.push_back(marginal(component, first));
  }
  return mixture;
}

KernelDensity marginal(const KernelDensity& joint, std::size_t first) {
  const std::size_t d = joint.moments.mean.size();
  KernelDensity kde = joint;
  kde.moments = {from(joint.moments.mean, first), from(joint.moments.deviation, first)};
  kde.centres.clear();
  for (std::size_t i = 0; i < joint.centres.size(); ++i) {
    if (i % d >= first) kde.centres.push_back(joint.centres[i]);
  }
  return kde;
}

}  // namespace iflow
