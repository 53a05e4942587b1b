// The trial by which the rows held out choose a fit's activation: a fit with each candidate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "fit_arguments.h"
#include "fit_data.h"
#include "recipes/defaults.h"
#include "screen.h"

namespace iflow {

// The candidates that the arguments leave the choice of; none: there is no trial. An activation,
// the start of one's parameter or a budget leave none.
std::vector<Candidate> trial_candidates(const FitArguments& arguments, const FitData& data);

// The arguments that a fit whose activation is undecided was begun with, as far as its candidates
// depend on them; `now`: those that resume it. Throws CheckpointError where they are not recorded.
FitArguments first_arguments(const Fit& undecided, const FitArguments& now);

// How a candidate did.
struct TriedCandidate {
  std::string activation;
  std::uint64_t steps;     // done
  double validation_loss;  // the best, in nats per held-out row
};

struct Trial {
  std::vector<TriedCandidate> tried;  // the best one first
  Fit fit;         // with the best one: as far as its trial has come, where that was a part of it
  int signal = 0;  // that ended the trial: nothing is chosen
};

// Fits with each of `candidates`. One that lies far behind another early on is dropped, and so is
// one that diverges for good. Throws NumericError when all of them do.
Trial run_trial(const FitArguments& arguments, const FitData& data, const Mixture& mixture,
                const std::vector<Candidate>& candidates, Screen& screen);

// "activation: tanh; in a trial it has -3.3075 nats per held-out row, sine -3.3086"
std::string trial_text(const Trial& trial);

}  // namespace iflow
