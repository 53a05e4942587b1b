// The trainings that a fit consists of, as an observer sees them.
#pragma once

#include <functional>

#include "fit/observer.h"

namespace iflow {

// Trains until the plan of `trainer` is done, and lets the observer save the record. Returns false
// when the observer ended it early; the record is complete either way.
bool train_and_save(Trainer& trainer, const TrainingStage& stage, const MakeRecord& record,
                    FitObserver& observer);

// Trains a candidate of a trial, of which nothing is saved, as long as `wanted`, asked after every
// validation, allows it. Returns false when the observer ended it.
bool train_candidate(Trainer& trainer, const TrainingStage& stage, FitObserver& observer,
                     const std::function<bool(const TrainState&)>& wanted);

}  // namespace iflow
