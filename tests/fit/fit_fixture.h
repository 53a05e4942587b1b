// Fits as library calls, for tests: small data in a folder, and an observer that remembers.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/number_text.h"
#include "data/toy.h"
#include "fit/fit.h"
#include "recipes/settings_json.h"
#include "support/temp_dir.h"

namespace iflow::test {

// A CSV file of a toy's rows.
inline std::string toy_csv(const std::string& toy, std::size_t rows, std::uint64_t seed = 0) {
  std::string csv = "x1,x2\n";
  const std::vector<double> x = find_toy(toy).sample(seed, 0, rows);
  for (std::size_t i = 0; i < rows; ++i) {
    csv += number_text(x[2 * i]) + "," + number_text(x[2 * i + 1]) + "\n";
  }
  return csv;
}

// A model and a plan that take a fraction of a second.
inline const GivenSettings kSmallFit = {{"blocks", 4}, {"hidden", {16, 16}}, {"steps", 300}};

inline GivenSettings with(GivenSettings given, const GivenSettings& more) {
  given.update(more);
  return given;
}

// Remembers what it is told, and ends a fit after some steps.
class Recorder final : public FitObserver {
 public:
  std::vector<std::string> warnings, notes;
  std::vector<TriedCandidate> candidates;
  std::vector<FitPhase> phases;
  std::optional<Fit> saved;  // the last record
  std::size_t steps = 0;     // done
  std::size_t saves = 0;
  std::optional<std::size_t> end_after = std::nullopt;  // steps; none: to the end
  bool saves_often = false;                             // after every validation

  void warn(const std::string& message) override { warnings.push_back(message); }
  void note(const std::string& line) override { notes.push_back(line); }
  void training(const TrainingStage& stage, Trainer& /*trainer*/) override {
    phases.push_back(stage.phase);
  }
  void step(std::uint64_t /*step*/, double /*loss*/) override { ++steps; }
  void tried(const std::vector<TriedCandidate>& all) override { candidates = all; }
  void save(const Fit& fit) override {
    saved = fit;
    ++saves;
  }
  void could_save(const MakeRecord& record) override {
    if (saves_often) save(record());
  }
  bool goes_on() override { return !end_after || steps < *end_after; }
};

// The fit's record, run to its end.
inline Fit fitted(const FitRequest& request) {
  Recorder recorder;
  const FitResult result = run_fit(request, recorder);
  REQUIRE_FALSE(result.ended_in);
  REQUIRE(recorder.saved);
  return *recorder.saved;
}

inline FitRequest request_for(const TempDir& folder, const std::string& name,
                              const GivenSettings& given) {
  FitRequest request;
  request.data = (folder / name).string();
  request.given = given;
  return request;
}

inline void check_same(const TrainState& a, const TrainState& b) {
  CHECK(a.step == b.step);
  CHECK(a.raw == b.raw);
  CHECK(a.average == b.average);
  CHECK(a.m == b.m);
  CHECK(a.v == b.v);
  CHECK(a.best_step == b.best_step);
  CHECK(a.best == b.best);
  CHECK(a.history.size() == b.history.size());
}

// Everything that the checkpoints would hold, to the bit.
inline void check_same(const Fit& a, const Fit& b) {
  CHECK(settings_to_json(a.settings) == settings_to_json(b.settings));
  CHECK(a.parameters == b.parameters);
  CHECK(a.gaussian.mean == b.gaussian.mean);
  CHECK(a.gaussian.covariance == b.gaussian.covariance);
  CHECK(a.mixture.weights == b.mixture.weights);
  CHECK(a.undecided == b.undecided);
  check_same(a.state, b.state);
  REQUIRE(a.refit.has_value() == b.refit.has_value());
  if (a.refit) check_same(*a.refit, *b.refit);
}

}  // namespace iflow::test
