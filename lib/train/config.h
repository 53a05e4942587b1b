// What a training run is told.
#pragma once

#include <cstdint>

#include "flow/log_det.h"
#include "train/adam.h"

namespace iflow {

struct TrainConfig {
  std::uint64_t steps = 0;      // the plan
  std::size_t batch = 128;      // rows per step
  double learning_rate = 5e-3;  // at the top of the schedule
  double warmup = 0.05;         // fraction of the steps over which the rate rises
  double ema = 0.999;           // decay of the averaged parameters, per step
  double l1 = 0;                // strength of the penalty that normalised weights are shrunk by
  // What the squared Frobenius norm of every block's Jacobian costs, halved: in nats per row and
  // block; it asks for the exact log-determinant. (Finlay et al., "How to train your neural ODE",
  // ICML 2020, section 3)
  double jacobian_penalty = 0;
  double clip = 0;  // a gradient counts at most so many times its usual norm; 0: whatever it is
  AdamConfig adam;
  LogDetOptions log_det;             // how the log-determinant is found while training
  int power_iterations = 1;          // of every normalised matrix, each time
  std::uint64_t norm_every = 1;      // steps between power iterations
  std::uint64_t validate_every = 1;  // steps between validations
  std::uint64_t patience = 0;        // steps without a better validation that end the run; 0: never
  std::uint64_t seed = 0;
};

// Throws UsageError for numbers that make no sense.
void check(const TrainConfig& config);

}  // namespace iflow
