// What a screen, a keeper of checkpoints and a signal are to a fit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/fit_record.h"
#include "train/trainer.h"

namespace iflow {

enum class FitPhase { kTrial, kFit, kRefit };

// A training that begins or goes on.
struct TrainingStage {
  FitPhase phase = FitPhase::kFit;
  std::string label = {};  // at the head of what is told of it: "trial of sine: ", "refit: "
  double unit = 1;         // in nats, of what its losses are told in: of images d ln 2, bits/dim
};

// How a candidate of a trial did.
struct TriedCandidate {
  std::string activation;
  std::uint64_t steps;     // done
  double validation_loss;  // the best, in nats per held-out row
};

// Makes the record as it stands.
using MakeRecord = std::function<const Fit&()>;

// Is told what a fit does. Nothing that is computed depends on it, but that `goes_on` ends it
// early.
class FitObserver {
 public:
  FitObserver() = default;
  FitObserver(const FitObserver&) = delete;
  FitObserver& operator=(const FitObserver&) = delete;
  virtual ~FitObserver() = default;

  virtual void warn(const std::string& /*message*/) {}
  virtual void note(const std::string& /*line*/) {}

  // The data and the settings are good, and the fit begins; `is_new`: at step 0.
  virtual void accepted(bool /*is_new*/) {}

  // The training that the next steps are of. `trainer` has started and outlives them.
  virtual void training(const TrainingStage& /*stage*/, Trainer& /*trainer*/) {}
  virtual void step(std::uint64_t /*step*/, double /*loss*/) {}
  // Of the fit and of the refit, after every validation point.
  virtual void validated(const HistoryPoint& /*point*/) {}
  virtual void tried(const std::vector<TriedCandidate>& /*candidates*/) {}

  // The record is to be saved; and it could be, after a validation point, so that a fit that is
  // killed has lost little.
  virtual void save(const Fit& /*fit*/) {}
  virtual void could_save(const MakeRecord& /*record*/) {}

  // Asked before a training and after each of its steps.
  virtual bool goes_on() { return true; }
};

}  // namespace iflow
