// What a fit has come to.
#pragma once

#include <cstddef>
#include <optional>

#include "base/mean_and_error.h"
#include "fit/dataset.h"
#include "fit/observer.h"
#include "model/fit_record.h"

namespace iflow {

struct FitResult {
  Fit fit;
  // Where the observer ended it; the figures below are not made then.
  std::optional<FitPhase> ended_in = std::nullopt;
  bool was_finished = false;  // before: nothing was left to do

  // Log-density per row held out, of the best parameters before a refit, which has seen these rows;
  // nats. Of images it is that of the last validation that was the best, without an error.
  MeanAndError held_out = {};
  BaselineScores baselines = {};
  std::size_t parameters = 0;  // numbers learned
  double effective_rows = 0;   // to train on: how many of equal weight know as much
};

// The result of a fit that was not ended early.
FitResult evaluate_fit(Fit fit, const Dataset& data);

// Whether the fit ended before its plan.
bool stopped_early(const Fit& fit);

}  // namespace iflow
