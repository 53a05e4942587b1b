#include "fit/budget.h"

#include <doctest/doctest.h>

#include "fit/fit_fixture.h"

namespace iflow::test {
namespace {

TEST_CASE("budget: the longest plan that fits, refit and validations included") {
  Settings settings;
  settings.refit = false;
  set_plan(settings.train, 1);
  const RunCosts costs = {1, 0.01, 0.1};
  const auto seconds_of = [&](const TrainConfig& plan, double fits) {
    const auto steps = static_cast<double>(plan.steps);
    return fits * (costs.start + steps * costs.step) +
           (steps / static_cast<double>(plan.validate_every) + 2) * costs.validation;
  };
  for (const double seconds : {20.0, 100.0, 1000.0}) {
    const TrainConfig plan = plan_within(settings, costs, 0, seconds);
    CHECK(seconds_of(plan, 1) <= 0.9 * seconds);
    CHECK(seconds_of(plan, 1) > 0.85 * seconds);
    settings.refit = true;
    const TrainConfig both = plan_within(settings, costs, 0, seconds);
    CHECK(seconds_of(both, 2) <= 0.9 * seconds);
    CHECK(both.steps < plan.steps);
    settings.refit = false;
  }
  CHECK(plan_within(settings, costs, 0, 0).steps == 1);
  CHECK(plan_within(settings, costs, 700, 0).steps == 701);
}

// A clock that goes on by a hundredth of a second whenever it is read.
Clock ticking() {
  return [ticks = 0]() mutable { return 0.01 * ticks++; };
}

TEST_CASE("budget: by a clock that is handed in, the plan is the same every time") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 200));
  FitRequest request = request_for(folder, "moons.csv", {{"blocks", 2}, {"hidden", {8}}});
  request.seconds = 4;
  request.clock = ticking();
  const Fit fit = fitted(request);
  // A step costs one reading of the clock: twice as many steps, those of the refit counted, don't
  // fit into nine tenths of the time.
  const std::uint64_t steps = fit.settings.train.steps;
  CHECK(steps > 50);
  CHECK(2 * steps < 360);
  request.clock = ticking();
  CHECK(fitted(request).settings.train.steps == steps);
  // The plan alone gives the same record.
  request.seconds.reset();
  request.given["steps"] = steps;
  check_same(fitted(request), fit);
}

TEST_CASE("budget: more time goes on, less leaves the plan as it is") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 200));
  FitRequest request = request_for(
      folder, "moons.csv", {{"blocks", 2}, {"hidden", {8}}, {"steps", 60}, {"refit", "no"}});
  request.resumed = fitted(request);
  request.given = GivenSettings::object();
  request.seconds = 5;
  request.clock = ticking();
  CHECK(fitted(request).state.step > 60);
}

TEST_CASE("budget: ended while it is measured, the fit is at its beginning") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 200));
  FitRequest request = request_for(folder, "moons.csv", {{"blocks", 2}, {"hidden", {8}}});
  request.seconds = 4;
  request.clock = ticking();
  Recorder recorder;
  recorder.end_after = 0;
  const FitResult result = run_fit(request, recorder);
  CHECK(result.ended_in == FitPhase::kFit);
  REQUIRE(recorder.saved);
  CHECK(recorder.saved->state.step == 0);
}

}  // namespace
}  // namespace iflow::test
