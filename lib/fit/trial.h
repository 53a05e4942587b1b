// The trial by which the rows held out choose a fit's activation: a fit with each candidate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fit/dataset.h"
#include "fit/observer.h"
#include "fit/request.h"

namespace iflow {

// The candidates that a request leaves the choice of; none: there is no trial. An activation, the
// start of one's parameter or a budget leave none.
std::vector<Candidate> trial_candidates(const FitRequest& request, const Dataset& data);

// The request that a fit whose activation is undecided was begun with, as far as its candidates
// depend on it; `now`: the one that resumes it. Throws CheckpointError where it is not recorded.
FitRequest first_request(const Fit& undecided, const FitRequest& now);

struct Trial {
  std::vector<TriedCandidate> tried;  // the best one first
  Fit fit;  // with the best one: as far as its trial has come, where that was a part of it
};

// Fits with each of `candidates`; `read_by` are the settings that the data were read by. One that
// lies far behind another early on is dropped, and so is one that diverges for good. None when the
// observer ended it: nothing is chosen. Throws NumericError when all of them diverge.
std::optional<Trial> run_trial(const FitRequest& request, const Settings& read_by,
                               const Dataset& data, const std::vector<Candidate>& candidates,
                               FitObserver& observer);

// "activation: tanh; in a trial it has -3.3075 nats per held-out row, sine -3.3086"
std::string trial_text(const Trial& trial);

}  // namespace iflow
