// Adam, in the notation of Kingma, Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015),
// Algorithm 1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace iflow {

struct AdamConfig {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

// One update of n numbers: m and v are the moment estimates, g the gradient, alpha the step size, t
// the step counted from 1.
void adam_update(const AdamConfig& config, double alpha, std::uint64_t t, const float* g,
                 std::size_t n, float* theta, float* m, float* v);

}  // namespace iflow
