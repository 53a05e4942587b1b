// The training of a fit as its user sees it: progress on the screen, a checkpoint now and then,
// an orderly end when it is interrupted.
#pragma once

#include <cstdint>

#include "checkpoint/model_file.h"
#include "screen.h"
#include "train/trainer.h"

namespace iflow {

// Trains until the plan of `trainer` is done, and keeps `fit` and the checkpoint up to date with
// it. Returns the signal that ended it early, else 0; the checkpoint is complete either way.
// `log_every`: steps between lines of progress; 0: by the clock.
int train_fit(Trainer& trainer, Fit& fit, CheckpointWriter& writer, Screen& screen,
              std::uint64_t log_every);

}  // namespace iflow
