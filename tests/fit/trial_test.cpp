#include "fit/trial.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "fit/fit_fixture.h"

namespace iflow::test {
namespace {

// A small flow, but the plan that the data have by default: any other leaves no trial. Of so few
// rows it is short.
const GivenSettings kTried = {{"blocks", 8}, {"hidden", {8, 8}}};
constexpr std::size_t kFewRows = 100;

TEST_CASE("trial: its choice is the fit that would have been made with it") {
  // A ring of Gaussians is smooth, four thin rings are not.
  for (const auto& [toy, activation] : {std::pair<std::string, std::string>{"8gaussians", "tanh"},
                                        std::pair<std::string, std::string>{"rings", "sine"}}) {
    CAPTURE(toy);
    const TempDir folder;
    folder.write("d.csv", toy_csv(toy, 200));
    FitRequest request = request_for(folder, "d.csv", kTried);
    Recorder recorder;
    REQUIRE_FALSE(run_fit(request, recorder).ended_in);
    const Fit chosen = *recorder.saved;
    CHECK(chosen.settings.flow.activation == activation);
    CHECK_FALSE(chosen.undecided);
    REQUIRE(recorder.candidates.size() == 2);
    CHECK(recorder.candidates[0].activation == activation);
    CHECK(recorder.candidates[0].validation_loss < recorder.candidates[1].validation_loss);
    CHECK(
        recorder.notes.front().starts_with("activation: " + activation + "; in a trial it has -"));

    request.given["activation"] = activation;
    request.given["steps"] = chosen.settings.train.steps;
    check_same(fitted(request), chosen);
  }
}

TEST_CASE("trial: ended anywhere in it and resumed, the same record") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", kFewRows));
  // Of 100 rows, 6,463 steps: by default a validation every 64 of them, but 25 of tanh's 2,585.
  const GivenSettings given = with(kTried, {{"validate-every", 64}, {"patience", 2585}});
  const FitRequest request = request_for(folder, "moons.csv", given);
  const Fit whole = fitted(request);
  // What was given binds a trial that is run again.
  CHECK(whole.settings.train.steps == 2585);
  CHECK(whole.settings.train.validate_every == 64);
  CHECK(whole.settings.train.patience == 2585);
  for (const std::size_t end :
       {std::size_t{0}, std::size_t{100}, std::size_t{2000}, std::size_t{4000}}) {
    CAPTURE(end);
    Recorder recorder;
    recorder.end_after = end;
    CHECK(run_fit(request, recorder).ended_in == FitPhase::kTrial);
    REQUIRE(recorder.saved->undecided);
    CHECK(*recorder.saved->undecided ==
          std::vector<std::string>{"blocks", "hidden", "patience", "validate-every"});
    CHECK(recorder.saved->state.step == 0);
    FitRequest again = request;
    again.given = GivenSettings::object();
    again.resumed = recorder.saved;
    check_same(fitted(again), whole);
  }
}

TEST_CASE("trial: resuming an undecided fit") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", kFewRows));
  FitRequest request = request_for(folder, "moons.csv", kTried);
  Recorder recorder;
  recorder.end_after = 0;
  run_fit(request, recorder);
  request.checkpoint = "m.iflow";
  request.resumed = recorder.saved;
  const auto error_of = [&](auto type) -> std::string {
    try {
      Recorder none;
      run_fit(request, none);
    } catch (const decltype(type)& error) {
      return error.what();
    }
    return "none";
  };
  request.given = {{"activation", "sine"}};
  CHECK(error_of(UsageError("")).starts_with("--activation: m.iflow was begun with a trial"));
  request.given = {{"lr", 1e-3}};
  CHECK(error_of(UsageError("")).starts_with("--lr: m.iflow was begun with"));
  request.given = GivenSettings::object();
  request.resumed->undecided = {"hidden", "bins"};
  CHECK(error_of(CheckpointError("")) ==
        "m.iflow: model.json: provenance.undecided: \"bins\" is no option of the fit");
  request.resumed->undecided = {"activation"};
  CHECK(error_of(CheckpointError("")) ==
        "m.iflow: model.json: provenance.undecided: nothing is left to choose");
}

TEST_CASE("trial: where every candidate diverges, so does the fit") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", kFewRows));
  Recorder recorder;
  CHECK_THROWS_AS(run_fit(request_for(folder, "moons.csv", with(kTried, {{"lr", 1e12}})), recorder),
                  NumericError);
  bool has_said = false;
  for (const std::string& text : recorder.warnings) {
    has_said = has_said || text.starts_with("trial of sine: training diverged for good");
  }
  CHECK(has_said);
  CHECK(recorder.saved->state.step == 0);
}

TEST_CASE("trial: none where there is nothing to choose, or no time for it") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 60));
  folder.write("many.csv", toy_csv("moons", 20001));
  std::string three = "a,b,c\n";
  for (int i = 0; i < 60; ++i) {
    three += std::to_string(0.5 + i * 37 % 101) + "," + std::to_string(0.25 + i * 59 % 97) + "," +
             std::to_string(0.125 + i * i % 89) + "\n";
  }
  folder.write("three.csv", three);
  const auto candidates = [&](const std::string& name, const GivenSettings& given) {
    FitRequest request = request_for(folder, name, given);
    const auto data = read_dataset(request.data, "", settings_to_read(request));
    CHECK(trial_candidates(request, *data).size() % 2 == 0);
    request.seconds = 1;
    CHECK(trial_candidates(request, *data).empty());
    request.seconds.reset();
    return trial_candidates(request, *data).size();
  };
  CHECK(candidates("moons.csv", GivenSettings::object()) == 2);
  CHECK(candidates("moons.csv", {{"activation", "sine"}}) == 0);
  CHECK(candidates("moons.csv", {{"activation", "elu"}}) == 0);
  CHECK(candidates("moons.csv", {{"steps", 20}}) == 0);
  CHECK(candidates("moons.csv", {{"activation-start", 3.0}}) == 0);
  CHECK(candidates("moons.csv", {{"model", "nice"}}) == 0);
  CHECK(candidates("three.csv", GivenSettings::object()) == 0);
  CHECK(candidates("many.csv", {{"patience", 100}}) == 0);
}

}  // namespace
}  // namespace iflow::test
