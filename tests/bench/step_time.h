// Times of a training step.
#pragma once

#include "train/trainer.h"

namespace iflow {

struct StepTime {
  double seconds;
  double share;  // of the peak, of the operations that count
};

// Prints how long a step of the trainer, which has `flops` floating-point operations in products
// that count, takes on one thread and on two, and what share of the peak it reaches; returns what
// it is on one.
StepTime print_step_time(Trainer& trainer, double flops);

}  // namespace iflow
