#include "fit_trial.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "fit_start.h"
#include "fit_training.h"
#include "report/number_format.h"
#include "train/trainer.h"

namespace iflow {
namespace {

// Who is so many nats behind another when both have done so many steps is dropped. Of 10,000 rows
// tanh then is .13 to .7 behind sine on rings and checkerboard, and never makes up for it;
// elsewhere at most .05. Of 1,000 and 3,000 rows of circles it may be .4 behind after 2,000 steps,
// and win.
constexpr std::uint64_t kEarly = 4000;
constexpr double kFar = 0.1;

// A new fit with this activation and a plan of `steps` steps.
Fit fit_with(const std::string& activation, std::uint64_t steps, FitArguments arguments,
             const FitData& data, const Mixture& mixture) {
  arguments.given["activation"] = arguments.settings.flow.activation = activation;
  arguments.given["steps"] = arguments.settings.train.steps = steps;
  return new_fit(data, settings_for(arguments, data), mixture);
}

struct Entrant {
  Candidate candidate;
  std::unique_ptr<Trainer> trainer;

  double loss() const { return trainer->state().best_loss; }
};

bool is_better(const Entrant& a, const Entrant& b) { return a.loss() < b.loss(); }

TriedCandidate result_of(const Entrant& entrant) {
  return {entrant.candidate.activation, entrant.trainer->state().step, entrant.loss()};
}

// Trains the entrants up to this step or the ends of their plans; those that diverge for good are
// gone. Returns the signal that ended it early, else 0.
int run_to(std::uint64_t step, std::vector<Entrant>& entrants, std::uint64_t log_every,
           Screen& screen) {
  for (std::size_t i = 0; i < entrants.size();) {
    Trainer& trainer = *entrants[i].trainer;
    const std::string label = "trial of " + entrants[i].candidate.activation + ": ";
    try {
      const int signal =
          train_candidate(trainer, screen, {log_every, label},
                          [&](const TrainState& state) { return state.step < step; });
      if (signal != 0) return signal;
      ++i;
    } catch (const NumericError& error) {
      if (entrants.size() == 1) throw;
      screen.warn(label + error.what());
      entrants.erase(entrants.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return 0;
}

}  // namespace

std::vector<Candidate> trial_candidates(const FitArguments& arguments, const FitData& data) {
  const auto is_given = [&](const char* name) { return arguments.given.contains(name); };
  if (data.images || arguments.seconds || is_given("steps") || is_given("activation") ||
      is_given("activation-start")) {
    return {};
  }
  return default_candidates(data.record.rows, data.record.columns.size(),
                            arguments.settings.flow.model);
}

FitArguments first_arguments(const Fit& undecided, const FitArguments& now) {
  FitArguments first = now;
  first.settings = settings_from_json(undecided.options, now.checkpoint);
  first.seconds.reset();
  first.given = nlohmann::json::object();
  for (const std::string& name : *undecided.undecided) {
    if (!undecided.options.contains(name)) {
      throw CheckpointError(now.checkpoint + ": model.json: provenance.undecided: \"" + name +
                            "\" is no option of the fit");
    }
    first.given[name] = undecided.options.at(name);
  }
  return first;
}

Trial run_trial(const FitArguments& arguments, const FitData& data, const Mixture& mixture,
                const std::vector<Candidate>& candidates, Screen& screen) {
  std::vector<Entrant> entrants;
  std::optional<TrainingData> rows;  // the same for all: the layers in front have no activation
  for (const Candidate& c : candidates) {
    const Fit fit = fit_with(c.activation, c.trial_steps, arguments, data, mixture);
    if (!rows) rows = training_data(fit, data);
    entrants.push_back({c, std::make_unique<Trainer>(fit.flow, fit.train, *rows)});
    entrants.back().trainer->start();
  }
  Trial trial;
  trial.signal = run_to(kEarly, entrants, arguments.log_every, screen);
  if (trial.signal != 0) return trial;
  std::ranges::stable_sort(entrants, is_better);
  const double best_loss = entrants.front().loss();
  while (entrants.back().loss() > best_loss + kFar) {
    trial.tried.insert(trial.tried.begin(), result_of(entrants.back()));
    entrants.pop_back();
  }
  if (entrants.size() > 1) {
    trial.signal =
        run_to(std::numeric_limits<std::uint64_t>::max(), entrants, arguments.log_every, screen);
    if (trial.signal != 0) return trial;
    std::ranges::stable_sort(entrants, is_better);
  }
  std::vector<TriedCandidate> results;
  for (const Entrant& entrant : entrants) results.push_back(result_of(entrant));
  trial.tried.insert(trial.tried.begin(), results.begin(), results.end());

  const auto& [chosen, trainer] = entrants.front();
  trial.fit = fit_with(chosen.activation, chosen.steps, arguments, data, mixture);
  if (chosen.steps == chosen.trial_steps) trial.fit.state = trainer->state();
  return trial;
}

std::string trial_text(const Trial& trial) {
  const TriedCandidate& best = trial.tried.front();
  std::string text = "activation: " + best.activation + "; in a trial it has " +
                     fixed_point(-best.validation_loss, 4) + " nats per held-out row";
  for (auto other = trial.tried.begin() + 1; other != trial.tried.end(); ++other) {
    text += ", " + other->activation + " " + fixed_point(-other->validation_loss, 4);
  }
  return text;
}

}  // namespace iflow
