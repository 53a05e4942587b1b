#include "fit/training.h"

#include <cstdio>
#include <string>

namespace iflow {
namespace {

void warn_of_divergences(const Trainer& trainer, std::size_t already_said, const std::string& label,
                         FitObserver& observer) {
  const std::vector<Divergence>& all = trainer.state().divergences;
  for (std::size_t i = already_said; i < all.size(); ++i) {
    char rate[64];
    std::snprintf(rate, sizeof rate, "%g", all[i].learning_rate);
    observer.warn(label + "step " + std::to_string(all[i].step) +
                  ": the loss or its gradient is not finite; back to step " +
                  std::to_string(all[i].back_to) + " with the learning rate " + rate);
  }
}

// Trains on as long as `wanted`, asked after every validation point, and the observer allow it.
// Returns false when the observer ended it early.
bool run(Trainer& trainer, const std::string& label, FitObserver& observer,
         const std::function<bool()>& wanted) {
  bool is_wanted = true, goes_on = observer.goes_on();
  while (goes_on && is_wanted && !trainer.finished()) {
    const std::size_t divergences = trainer.state().divergences.size();
    const bool reached = trainer.advance([&](std::uint64_t step, double loss) {
      observer.step(step, loss);
      goes_on = observer.goes_on();
      return goes_on;
    });
    warn_of_divergences(trainer, divergences, label, observer);
    if (reached) is_wanted = wanted();
    goes_on = goes_on && observer.goes_on();
  }
  return goes_on || trainer.finished();
}

}  // namespace

bool train_and_save(Trainer& trainer, const TrainingStage& stage, const MakeRecord& record,
                    FitObserver& observer) {
  observer.training(stage, trainer);
  observer.save(record());
  const bool is_done = run(trainer, stage.label, observer, [&] {
    observer.validated(trainer.state().history.back());
    observer.could_save(record);
    return true;
  });
  observer.save(record());
  return is_done;
}

bool train_candidate(Trainer& trainer, const TrainingStage& stage, FitObserver& observer,
                     const std::function<bool(const TrainState&)>& wanted) {
  observer.training(stage, trainer);
  return run(trainer, stage.label, observer, [&] { return wanted(trainer.state()); });
}

}  // namespace iflow
