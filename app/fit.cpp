#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "fit_arguments.h"
#include "fit_budget.h"
#include "fit_data.h"
#include "fit_memory.h"
#include "fit_result.h"
#include "fit_start.h"
#include "fit_training.h"
#include "fit_trial.h"
#include "interrupt.h"
#include "options.h"
#include "result.h"
#include "screen.h"
#include "stopwatch.h"

namespace iflow {
namespace {

// One call of the command, from the arguments to the result.
class FitCommand {
 public:
  explicit FitCommand(const FitArguments& arguments)
      : arguments_(arguments), screen_(arguments.quiet) {}

  void run() {
    check_checkpoint();
    if (arguments_.resume) {
      resume();
    } else {
      begin();
    }
  }

 private:
  void check_checkpoint() const {
    const bool exists = checkpoint_exists(arguments_.checkpoint);
    if (!exists || arguments_.resume || arguments_.force) return;
    throw UsageError(arguments_.checkpoint +
                     ": there is a checkpoint already; --resume goes on with it, --force replaces "
                     "it, -o chooses another");
  }

  void begin() {
    const FitData data = read(arguments_.settings);
    FitSettings settings = settings_for(arguments_, data);
    CheckpointWriter writer(arguments_.checkpoint);
    catch_interrupts();
    fit_ = new_fit(data, settings, mixture_of(data, settings.train.seed));
    const bool has_trial = !trial_candidates(arguments_, data).empty();
    if (has_trial) {
      save_undecided(data, writer);
      choose(arguments_, data, writer);
    }
    TrainingData rows = training_data(fit_, data);
    if (arguments_.seconds) {
      settings.train = plan_for_time(fit_.flow, settings, rows, 0, seconds_left(*settings.refit));
      set_settings(fit_, settings);
    }
    {
      Trainer trainer(fit_.flow, fit_.train, std::move(rows));
      set_out(trainer);
      if (!has_trial) writer.clear_log();
      train(trainer, writer);
    }
    if (*settings.refit) refit(data, writer);
    report(data);
  }

  // Makes the checkpoint that a trial is resumed from.
  void save_undecided(const FitData& data, CheckpointWriter& writer) {
    Trainer trainer(fit_.flow, fit_.train, training_data(fit_, data));
    trainer.start();
    fit_.state = trainer.state();
    fit_.parameters = fit_.state.best;
    fit_.undecided.emplace();
    for (const auto& [name, value] : arguments_.given.items()) fit_.undecided->push_back(name);
    writer.clear_log();
    save_fit(writer, fit_);
  }

  // Lets a trial choose the activation, and makes the fit the chosen one. The trial is a function
  // of the data and of what the fit was begun with: one that was cut short is run again.
  void choose(const FitArguments& begun_with, const FitData& data, CheckpointWriter& writer) {
    const std::vector<Candidate> candidates = trial_candidates(begun_with, data);
    if (candidates.empty()) {
      throw CheckpointError(arguments_.checkpoint +
                            ": model.json: provenance.undecided: nothing is left to choose");
    }
    Trial trial = run_trial(begun_with, data, fit_.mixture, candidates, screen_);
    if (trial.signal != 0) end_by(trial.signal, "a fit whose activation is yet to be chosen");
    screen_.note(trial_text(trial));
    log_trial(trial.tried, writer);
    fit_ = std::move(trial.fit);
  }

  static void log_trial(const std::vector<TriedCandidate>& tried, CheckpointWriter& writer) {
    for (const TriedCandidate& c : tried) {
      const nlohmann::json line = {{"event", "trial"},
                                   {"activation", c.activation},
                                   {"steps", c.steps},
                                   {"validation_loss", c.validation_loss}};
      writer.append_log(line.dump());
    }
  }

  void resume() {
    fit_ = load_fit(arguments_.checkpoint);
    FitSettings settings = settings_from_json(fit_.options, arguments_.checkpoint);
    if (settings.is_image != arguments_.settings.is_image) {
      throw DataError(arguments_.data + ": " + (settings.is_image ? "no images" : "images") +
                      ", and " + arguments_.checkpoint + " is a model of " +
                      (settings.is_image ? "images" : "a table"));
    }
    check_unchanged(arguments_, settings);
    if (fit_.undecided && arguments_.given.contains("activation")) {
      throw UsageError("--activation: " + arguments_.checkpoint +
                       " was begun with a trial that chooses it; resume without it, or begin anew "
                       "with --force");
    }
    const FitData data = read(settings);
    check_same_data(data.record);
    if (is_refitted(fit_)) go_back_to_fit(data);
    catch_interrupts();
    CheckpointWriter writer(arguments_.checkpoint);
    bool is_finished = !fit_.undecided;
    if (fit_.undecided) {
      choose(first_arguments(fit_, arguments_), data, writer);
      settings = settings_from_json(fit_.options, arguments_.checkpoint);
    }
    TrainingData rows = training_data(fit_, data);
    lengthen_plan(settings, rows);
    if (settings.train.steps != fit_.train.steps) fit_.refit.reset();  // it went by the old plan
    set_settings(fit_, settings);
    {
      Trainer trainer(fit_.flow, fit_.train, std::move(rows));
      set_out(trainer);
      is_finished = is_finished && trainer.finished();
      if (!is_finished) train(trainer, writer);
    }
    if (*settings.refit && !is_refitted(fit_)) {
      is_finished = false;
      refit(data, writer);
    }
    if (is_finished) {
      screen_.note(arguments_.checkpoint + ": already finished, nothing to do; a larger --steps " +
                   "or a --time goes on");
    }
    report(data);
  }

  FitData read(const FitSettings& settings) {
    FitData data = read_fit_data(arguments_.data, arguments_.val, settings);
    for (const std::string& warning : data.warnings) screen_.warn(warning);
    return data;
  }

  void check_same_data(const DataRecord& now) const {
    const DataRecord& then = fit_.data;
    const bool same = now.hash == then.hash && now.training_rows == then.training_rows;
    if (same) return;
    throw DataError(arguments_.data + ": not the data that " + arguments_.checkpoint +
                    " was fitted on; resume with those, or begin anew with --force");
  }

  // Makes a refitted one again what it was before.
  void go_back_to_fit(const FitData& data) {
    fit_.gaussian = data.gaussian;
    fit_.mixture = mixture_of(data, fit_.train.seed);
    fit_.parameters = fit_.state.best;
  }

  // Of --time, for the training. What comes beside it, a refit's mixture above all, takes about as
  // long again as what came before it.
  double seconds_left(bool refit) const {
    return *arguments_.seconds - (refit ? 2 : 1) * watch_.seconds();
  }

  void lengthen_plan(FitSettings& settings, const TrainingData& rows) const {
    if (arguments_.given.contains("steps")) {
      settings.train = extended_plan(settings, arguments_.settings.train.steps);
    } else if (arguments_.seconds) {
      const TrainConfig longer =
          plan_for_time(fit_.flow, settings, rows, fit_.state.step, seconds_left(*settings.refit));
      if (longer.steps > settings.train.steps) settings.train = longer;
    }
  }

  // From where the fit is; a trial may have made a part of it, or all.
  void set_out(Trainer& trainer) const {
    if (fit_.state.history.empty()) {
      trainer.start();
    } else {
      trainer.resume(fit_.state);
    }
  }

  // Ends the command when a signal ended the training.
  void train(Trainer& trainer, CheckpointWriter& writer) {
    if (arguments_.memory) screen_.note(memory_text(trainer));
    const int signal = train_fit(trainer, fit_, &writer, screen_, {arguments_.log_every});
    if (signal != 0) {
      end_by(signal,
             "step " + std::to_string(fit_.state.step) + " of " + std::to_string(fit_.train.steps));
    }
  }

  // The same for the refit.
  void refit(const FitData& data, CheckpointWriter& writer) {
    const FitData all = without_validation(data);
    Fit refitted = fit_;
    refitted.gaussian = all.gaussian;
    refitted.mixture = mixture_of(all, fit_.train.seed);
    Trainer trainer(fit_.flow, fit_.train, training_data(fit_, all));
    trainer.end_at(refit_steps(fit_));
    if (fit_.refit) {
      trainer.resume(*fit_.refit);
    } else {
      trainer.start();
    }
    const int signal =
        train_refit(trainer, fit_, refitted, writer, screen_, {arguments_.log_every, "refit: "});
    if (signal != 0) {
      end_by(signal, "the fit, and step " + std::to_string(fit_.refit->step) + " of " +
                         std::to_string(refit_steps(fit_)) + " of the refit to all rows");
    }
  }

  [[noreturn]] void end_by(int signal, const std::string& what) {
    screen_.warn("interrupted; " + arguments_.checkpoint + " holds " + what +
                 "; resume with: " + resume_command(arguments_));
    throw CLI::RuntimeError(128 + signal);
  }

  void report(const FitData& data) {
    const FitResult result = evaluate_fit(arguments_.checkpoint, fit_, data, watch_.seconds());
    screen_.note(result_text(result));
    if (arguments_.json) print_result(result_json(result));
  }

  const FitArguments& arguments_;
  Screen screen_;
  Stopwatch watch_;
  Fit fit_;  // before its refit
};

}  // namespace

void add_fit(CLI::App& program) {
  CLI::App& command = add_command(program, "fit", "Fit a flow to data by maximum likelihood",
                                  "iflow toy moons -n 10000 > moons.csv && iflow fit moons.csv");
  const auto arguments = std::make_shared<FitArguments>();
  add_fit_options(command, *arguments);
  add_documented_json_option(command, arguments->json, kFitResultFields);
  command.callback([&command, arguments] {
    complete_arguments(command, *arguments);
    FitCommand(*arguments).run();
  });
}

}  // namespace iflow
