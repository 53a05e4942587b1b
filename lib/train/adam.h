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

// A step of size alpha, the t-th, counted from 1: what is the same for every number.
struct AdamStep {
  AdamStep(const AdamConfig& config, double alpha, std::uint64_t t);

  float beta1, beta2, rest1, rest2;  // rest: 1 - beta
  float size;                        // alpha / (1 - beta1^t)
  float root;                        // 1 / sqrt(1 - beta2^t)
  float epsilon;
  double gathered;  // 1 - beta2^(t - 1): the sum of the weights in v before the step
};

// The step's update of n numbers theta: m and v are the moment estimates, g the gradient.
void adam_update(const AdamStep& step, const float* g, std::size_t n, float* theta, float* m,
                 float* v);

}  // namespace iflow
