// The training of a fit as its user sees it: progress on the screen, a checkpoint now and then,
// an orderly end when it is interrupted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "checkpoint/model_file.h"
#include "screen.h"
#include "train/trainer.h"

namespace iflow {

// How a training is told about.
struct ProgressOptions {
  std::uint64_t log_every = 0;  // steps between lines of progress; 0: by the clock
  std::string label = {};       // at the head of every line: "glow: "
};

// Trains until the plan of `trainer` is done, and keeps `fit` and the checkpoint, where `writer`
// writes one, up to date with it; a refit of before is forgotten. Returns the signal that ended it
// early, else 0; the checkpoint is complete either way.
int train_fit(Trainer& trainer, Fit& fit, CheckpointWriter* writer, Screen& screen,
              const ProgressOptions& progress);

// The same for the refit of `fit`; `trainer` has all rows and ends at refit_steps(fit). The
// checkpoint holds `fit` and how far its refit has come; in the end `refitted`, which differs in
// the baselines.
int train_refit(Trainer& trainer, Fit& fit, Fit& refitted, CheckpointWriter& writer, Screen& screen,
                const ProgressOptions& progress);

// Trains a candidate of a trial, of which no checkpoint is kept, as long as `goes_on`, asked after
// every validation, allows it. Returns the signal that ended it, else 0.
int train_candidate(Trainer& trainer, Screen& screen, const ProgressOptions& progress,
                    const std::function<bool(const TrainState&)>& goes_on);

}  // namespace iflow
