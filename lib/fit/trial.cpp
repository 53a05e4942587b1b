#include "fit/trial.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

#include "base/error.h"
#include "fit/start.h"
#include "fit/training.h"
#include "recipes/settings_json.h"
#include "report/number_format.h"

namespace iflow {
namespace {

// A candidate that is so many nats behind another, both after so many steps, is dropped: it hardly
// ever makes up for that. (tests/bench/RESULTS.md, the trial of activations)
constexpr std::uint64_t kEarly = 4000;
constexpr double kFar = 0.1;

// A new fit with this activation and a plan of `steps` steps.
Fit fit_with(const std::string& activation, std::uint64_t steps, const FitRequest& request,
             const Settings& read_by, const Dataset& data) {
  GivenSettings given = request.given;
  given["activation"] = activation;
  given["steps"] = steps;
  return new_fit(data, settings_for(given, read_by, data, request.data));
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
// gone. Returns false when the observer ended it.
bool run_to(std::uint64_t step, std::vector<Entrant>& entrants, FitObserver& observer) {
  for (std::size_t i = 0; i < entrants.size();) {
    const std::string label = "trial of " + entrants[i].candidate.activation + ": ";
    try {
      const auto wanted = [&](const TrainState& state) { return state.step < step; };
      if (!train_candidate(*entrants[i].trainer, {FitPhase::kTrial, label}, observer, wanted)) {
        return false;
      }
      ++i;
    } catch (const NumericError& error) {
      if (entrants.size() == 1) throw;
      observer.warn(label + error.what());
      entrants.erase(entrants.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return true;
}

}  // namespace

std::vector<Candidate> trial_candidates(const FitRequest& request, const Dataset& data) {
  const auto is_given = [&](const char* name) { return request.given.contains(name); };
  if (!request.may_try || data.record.image || request.seconds || is_given("steps") ||
      is_given("activation") || is_given("activation-start")) {
    return {};
  }
  return default_candidates(data.record.rows, data.record.columns.size(),
                            chosen_model(request.given));
}

FitRequest first_request(const Fit& undecided, const FitRequest& now) {
  const nlohmann::json options = settings_to_json(undecided.settings);
  FitRequest first = now;
  first.resumed.reset();
  first.seconds.reset();
  first.given = GivenSettings::object();
  for (const std::string& name : *undecided.undecided) {
    if (!options.contains(name)) {
      throw CheckpointError(now.checkpoint + ": model.json: provenance.undecided: \"" + name +
                            "\" is no option of the fit");
    }
    const bool is_of_file = name == "val-fraction" && !now.val.empty();
    if (!is_of_file) first.given[name] = options.at(name);
  }
  return first;
}

std::optional<Trial> run_trial(const FitRequest& request, const Settings& read_by,
                               const Dataset& data, const std::vector<Candidate>& candidates,
                               FitObserver& observer) {
  std::vector<Entrant> entrants;
  std::optional<TrainingData> rows;  // the same for all: the layers in front have no activation
  for (const Candidate& c : candidates) {
    const Fit fit = fit_with(c.activation, c.trial_steps, request, read_by, data);
    if (!rows) rows = training_data(fit, data);
    entrants.push_back({c, std::make_unique<Trainer>(fit.flow, fit.settings.train, *rows)});
    entrants.back().trainer->start();
  }
  Trial trial;
  if (!run_to(kEarly, entrants, observer)) return std::nullopt;
  std::ranges::stable_sort(entrants, is_better);
  const double best_loss = entrants.front().loss();
  while (entrants.back().loss() > best_loss + kFar) {
    trial.tried.insert(trial.tried.begin(), result_of(entrants.back()));
    entrants.pop_back();
  }
  if (entrants.size() > 1) {
    if (!run_to(std::numeric_limits<std::uint64_t>::max(), entrants, observer)) {
      return std::nullopt;
    }
    std::ranges::stable_sort(entrants, is_better);
  }
  std::vector<TriedCandidate> results;
  for (const Entrant& entrant : entrants) results.push_back(result_of(entrant));
  trial.tried.insert(trial.tried.begin(), results.begin(), results.end());

  const auto& [chosen, trainer] = entrants.front();
  trial.fit = fit_with(chosen.activation, chosen.steps, request, read_by, data);
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
