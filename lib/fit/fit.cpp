#include "fit/fit.h"

#include <cmath>
#include <numbers>
#include <utility>

#include "base/error.h"
#include "data/image_reader.h"
#include "fit/budget.h"
#include "fit/start.h"
#include "fit/training.h"
#include "fit/trial.h"

namespace iflow {
namespace {

// What was given, with what follows from the rest of the request: a time is for steps, and rows to
// validate on are for a fit that is validated.
GivenSettings given_of(const FitRequest& request) {
  GivenSettings given = request.given;
  const bool is_learned = request.seconds || !request.val.empty() || !request.may_try;
  if (!is_learned || holds_images(request.data) || chosen_model(given) != ModelKind::kIResNet) {
    return given;
  }
  if (given.contains("start") && given.at("start") == "stack") {
    throw UsageError((request.seconds ? "--time" : "--val") +
                     std::string(": --start stack has no use for it"));
  }
  given["start"] = "gaussian";
  return given;
}

// One fit under way.
class FitRun {
 public:
  FitRun(const FitRequest& request, const Settings& read_by, const Dataset& data,
         FitObserver& observer)
      : request_(request), read_by_(read_by), data_(data), observer_(observer) {}

  FitResult run() {
    const bool is_done = request_.resumed ? resume() : begin();
    if (!is_done) {
      FitResult result;
      result.fit = std::move(fit_);
      result.ended_in = phase_;
      return result;
    }
    FitResult result = evaluate_fit(std::move(fit_), data_);
    result.was_finished = was_finished_;
    return result;
  }

 private:
  // All of these return false where the observer ended the fit.
  bool begin() {
    const Settings settings = settings_for(given_of(request_), read_by_, data_, request_.data);
    observer_.accepted(true);
    if (settings.start == Start::kStack) return stack(settings);
    fit_ = new_fit(data_, settings);
    const std::vector<Candidate> candidates = trial_candidates(request_, data_);
    if (!candidates.empty()) {
      save_undecided();
      if (!choose(request_, candidates)) return false;
    }
    TrainingData rows = training_data(fit_, data_);
    if (request_.seconds) fit_.settings.train = plan_for_budget(rows);
    return train(std::move(rows)) && (!has_own_refit() || refit());
  }

  // The stacked mixture is the model as it is.
  bool stack(const Settings& settings) {
    fit_.settings = settings;
    data_.set_stack(fit_);
    observer_.save(fit_);
    return true;
  }

  bool resume() {
    fit_ = *request_.resumed;
    if (fit_.stack) {
      check_same_data();
      was_finished_ = true;
      return true;
    }
    check_same_data();
    if (is_refitted(fit_)) go_back_to_fit();
    observer_.accepted(false);
    was_finished_ = !fit_.undecided;
    if (fit_.undecided && !choose_again()) return false;
    TrainingData rows = training_data(fit_, data_);
    lengthen_plan(rows);
    if (!train_on(std::move(rows))) return false;
    if (!has_own_refit() || is_refitted(fit_)) return true;
    was_finished_ = false;
    return refit();
  }

  // Makes the record that a trial is resumed from.
  void save_undecided() {
    Trainer trainer(fit_.flow, fit_.settings.train, training_data(fit_, data_));
    trainer.start();
    fit_.state = trainer.state();
    fit_.parameters = fit_.state.best;
    fit_.undecided.emplace();
    for (const auto& [name, value] : request_.given.items()) fit_.undecided->push_back(name);
    observer_.save(fit_);
  }

  // Lets a trial choose the activation, and makes the fit the chosen one.
  bool choose(const FitRequest& begun_with, const std::vector<Candidate>& candidates) {
    phase_ = FitPhase::kTrial;
    std::optional<Trial> trial = run_trial(begun_with, read_by_, data_, candidates, observer_);
    if (!trial) return false;
    observer_.note(trial_text(*trial));
    observer_.tried(trial->tried);
    fit_ = std::move(trial->fit);
    return true;
  }

  // The trial is a function of the data and of what the fit was begun with: one that was cut short
  // is run again.
  bool choose_again() {
    const FitRequest first = first_request(fit_, request_);
    const std::vector<Candidate> candidates = trial_candidates(first, data_);
    if (candidates.empty()) {
      throw CheckpointError(request_.checkpoint +
                            ": model.json: provenance.undecided: nothing is left to choose");
    }
    return choose(first, candidates);
  }

  void check_same_data() const {
    const DataRecord &then = fit_.data, &now = data_.record;
    const bool same =
        now.hash == then.hash && (fit_.stack || now.training_rows == then.training_rows);
    if (same) return;
    throw DataError(request_.data + ": not the data that " + request_.checkpoint +
                    " was fitted on; resume with those, or begin anew with --force");
  }

  // Makes a refitted one again what it was before.
  void go_back_to_fit() {
    data_.set_baselines(fit_);
    fit_.parameters = fit_.state.best;
  }

  bool has_own_refit() const { return fit_.settings.refit.value_or(false); }

  // Of the budget, for the training. What comes beside it, a refit's mixture above all, takes about
  // as long again as what came before it.
  double seconds_left() const {
    return *request_.seconds - (has_own_refit() ? 2 : 1) * request_.clock();
  }

  TrainConfig plan_for_budget(const TrainingData& rows) const {
    return plan_for_time(fit_.flow, fit_.settings, rows, fit_.state.step, seconds_left(),
                         request_.clock, [&] { return observer_.goes_on(); });
  }

  void lengthen_plan(const TrainingData& rows) {
    const TrainConfig before = fit_.settings.train;
    if (request_.given.contains("steps")) {
      fit_.settings.train =
          extended_plan(fit_.settings, request_.given.at("steps").get<std::uint64_t>());
    } else if (request_.seconds) {
      const TrainConfig longer = plan_for_budget(rows);
      if (longer.steps > before.steps) fit_.settings.train = longer;
    }
    if (fit_.settings.train.steps != before.steps) fit_.refit.reset();  // it went by the old plan
  }

  // From where the fit is; a trial may have made a part of it, or all.
  void set_out(Trainer& trainer) const {
    if (fit_.state.history.empty()) {
      trainer.start();
    } else {
      trainer.resume(fit_.state);
    }
  }

  bool train(TrainingData rows) {
    Trainer trainer(fit_.flow, fit_.settings.train, std::move(rows));
    set_out(trainer);
    return train(trainer);
  }

  // Unless nothing is left to do.
  bool train_on(TrainingData rows) {
    Trainer trainer(fit_.flow, fit_.settings.train, std::move(rows));
    set_out(trainer);
    was_finished_ = was_finished_ && trainer.finished();
    return was_finished_ || train(trainer);
  }

  bool train(Trainer& trainer) {
    phase_ = FitPhase::kFit;
    fit_.refit.reset();
    const auto record = [&]() -> const Fit& {
      fit_.state = trainer.state();
      fit_.parameters = fit_.state.best;
      return fit_;
    };
    const auto dimension = static_cast<double>(fit_.flow.dimension);
    const double unit = fit_.data.image ? dimension * std::numbers::ln2 : 1;
    return train_and_save(trainer, {phase_, "", unit}, record, observer_);
  }

  // Fits once more, to all rows. The record holds the fit and how far its refit has come; in the
  // end the refitted one, which differs in the baselines.
  bool refit() {
    phase_ = FitPhase::kRefit;
    const std::unique_ptr<const Dataset> all = data_.without_validation();
    Fit refitted = fit_;
    all->set_baselines(refitted);
    Trainer trainer(fit_.flow, fit_.settings.train, training_data(fit_, *all));
    trainer.end_at(refit_steps(fit_));
    if (fit_.refit) {
      trainer.resume(*fit_.refit);
    } else {
      trainer.start();
    }
    const auto record = [&]() -> const Fit& {
      fit_.refit = trainer.state();
      if (!is_refitted(fit_)) return fit_;
      refitted.refit = fit_.refit;
      refitted.parameters = fit_.refit->best;
      return refitted;
    };
    return train_and_save(trainer, {phase_, "refit: "}, record, observer_);
  }

  const FitRequest& request_;
  const Settings& read_by_;
  const Dataset& data_;
  FitObserver& observer_;
  Fit fit_;  // before its refit
  FitPhase phase_ = FitPhase::kFit;
  bool was_finished_ = false;
};

Settings settings_to_resume(const FitRequest& request, bool is_image) {
  const Fit& fit = *request.resumed;
  const Settings& recorded = fit.settings;
  if (recorded.is_image != is_image) {
    throw DataError(request.data + ": " + (recorded.is_image ? "no images" : "images") + ", and " +
                    request.checkpoint + " is a model of " +
                    (recorded.is_image ? "images" : "a table"));
  }
  const bool was_validated_by_file = recorded.val_fraction == 0.0;
  if (was_validated_by_file && request.val.empty()) {
    throw UsageError("--val: " + request.checkpoint +
                     " was validated on a file of its own; give it again to resume");
  }
  if (!was_validated_by_file && !request.val.empty()) {
    throw UsageError("--val: " + request.checkpoint +
                     " was validated on rows of its data; resume without it");
  }
  if (fit.stack && request.seconds) {
    throw UsageError("--time: " + request.checkpoint +
                     " is a stacked mixture, which has no steps; " +
                     "begin anew with --force --start gaussian");
  }
  check_unchanged(request.given, recorded, request.checkpoint);
  if (fit.undecided && request.given.contains("activation")) {
    throw UsageError("--activation: " + request.checkpoint +
                     " was begun with a trial that chooses it; resume without it, or begin anew "
                     "with --force");
  }
  return recorded;
}

Settings settings_to_read(const FitRequest& request, bool is_image) {
  Settings settings = data_settings(request.given, is_image);
  if (request.resumed) return settings_to_resume(request, is_image);
  if (!request.val.empty()) settings.val_fraction = 0;
  return settings;
}

}  // namespace

Settings settings_to_read(const FitRequest& request) {
  return settings_to_read(request, holds_images(request.data));
}

FitResult run_fit(const FitRequest& request, FitObserver& observer) {
  const std::unique_ptr<const Dataset> data =
      read_dataset(request.data, request.val, settings_to_read(request));
  for (const std::string& warning : data->warnings) observer.warn(warning);
  return run_fit(request, *data, observer);
}

FitResult run_fit(const FitRequest& request, const Dataset& data, FitObserver& observer) {
  const Settings read_by = settings_to_read(request, data.record.image.has_value());
  return FitRun(request, read_by, data, observer).run();
}

}  // namespace iflow
