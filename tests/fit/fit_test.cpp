// A fit as a library call: begun, ended early, resumed, extended.
#include "fit/fit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "fit/fit_fixture.h"

namespace iflow::test {
namespace {

// Validations close together, and the penalty at work.
const GivenSettings kCaught = with(kSmallFit, {{"validate-every", 10}, {"l1", 0.02}});

struct Moons {
  TempDir folder;
  FitRequest request;

  explicit Moons(const GivenSettings& given, std::size_t rows = 300) {
    folder.write("moons.csv", toy_csv("moons", rows));
    request = request_for(folder, "moons.csv", given);
  }

  FitRequest resuming(const Fit& fit, const GivenSettings& given = GivenSettings::object()) const {
    FitRequest again = request;
    again.given = given;
    again.resumed = fit;
    again.checkpoint = "m.iflow";
    return again;
  }
};

template <class E>
std::string error_of(const FitRequest& request) {
  Recorder recorder;
  try {
    run_fit(request, recorder);
  } catch (const E& error) {
    CHECK_FALSE(recorder.saved);
    return error.what();
  }
  return "none";
}

TEST_CASE("fit: what it reports") {
  const Moons moons(kSmallFit);
  Recorder recorder;
  const FitResult result = run_fit(moons.request, recorder);
  CHECK_FALSE(result.ended_in);
  CHECK_FALSE(result.was_finished);
  CHECK(result.fit.state.step == 300);
  CHECK(result.fit.data.rows == 300);
  CHECK(result.held_out.mean == doctest::Approx(-result.fit.state.best_loss).epsilon(1e-12));
  CHECK(result.held_out.standard_error > 0);
  CHECK(result.effective_rows == 240);
  CHECK(result.parameters > 100);
  // A flow has learned something that a Gaussian can't say.
  CHECK(result.held_out.mean > result.baselines.gaussian.mean + 0.3);
  CHECK(recorder.phases == std::vector{FitPhase::kFit, FitPhase::kRefit});
  CHECK(recorder.candidates.empty());
}

TEST_CASE("fit: ended after any step and resumed, the same record as in one go") {
  const Moons moons(kCaught);
  const Fit whole = fitted(moons.request);
  REQUIRE(is_refitted(whole));
  const std::size_t all = 300 + whole.refit->step;
  for (const std::size_t end : {std::size_t{0}, std::size_t{1}, std::size_t{137}, std::size_t{300},
                                std::size_t{310}, all - 1}) {
    CAPTURE(end);
    Recorder recorder;
    recorder.end_after = end;
    const FitResult ended = run_fit(moons.request, recorder);
    REQUIRE(ended.ended_in);
    CHECK((*ended.ended_in == FitPhase::kRefit) == (end > 300));
    CHECK_FALSE(is_refitted(*recorder.saved));
    // The steps since the last validation point are lost, that of the end among them.
    CHECK(recorder.saved->state.step ==
          (end > 300 ? 300 : (std::max<std::size_t>(end, 1) - 1) / 10 * 10));
    check_same(fitted(moons.resuming(*recorder.saved)), whole);
  }
}

TEST_CASE("fit: ended more than once on the way, the same record") {
  const Moons moons(kCaught);
  const Fit whole = fitted(moons.request);
  FitRequest request = moons.request;
  Recorder recorder;
  for (int ends = 0;; ++ends) {
    recorder.end_after = recorder.steps + 70;
    if (!run_fit(request, recorder).ended_in) break;
    request = moons.resuming(*recorder.saved);
    REQUIRE(ends < 20);
  }
  check_same(*recorder.saved, whole);
}

TEST_CASE("fit: a record that could be saved is one to resume from") {
  const Moons moons(kCaught);
  Recorder plain, often;
  run_fit(moons.request, plain);
  often.saves_often = true;
  run_fit(moons.request, often);
  check_same(*often.saved, *plain.saved);
  CHECK(often.saves > plain.saves + 30);
}

TEST_CASE("fit: a finished one that is resumed is left alone") {
  const Moons moons(kSmallFit);
  const Fit whole = fitted(moons.request);
  for (const GivenSettings& given : {GivenSettings::object(), GivenSettings{{"steps", 300}},
                                     GivenSettings{{"lr", whole.settings.train.learning_rate}}}) {
    Recorder recorder;
    const FitResult result = run_fit(moons.resuming(whole, given), recorder);
    CHECK(result.was_finished);
    CHECK(recorder.saves == 0);
    CHECK(recorder.steps == 0);
    CHECK(result.held_out.mean == doctest::Approx(-whole.state.best_loss).epsilon(1e-12));
  }
}

TEST_CASE("fit: more steps extend the plan, and the refit begins anew") {
  const Moons moons(kSmallFit);
  const Fit whole = fitted(moons.request);
  const Fit longer = fitted(moons.resuming(whole, {{"steps", 500}}));
  CHECK(longer.state.step == 500);
  CHECK(longer.settings.train.steps == 500);
  CHECK(longer.refit->raw != whole.refit->raw);
  // Ended in the extension, it goes on with its own plan.
  Recorder recorder;
  recorder.end_after = 90;
  REQUIRE(run_fit(moons.resuming(whole, {{"steps", 500}}), recorder).ended_in);
  CHECK_FALSE(recorder.saved->refit);
  CHECK(recorder.saved->settings.train.steps == 500);
  check_same(fitted(moons.resuming(*recorder.saved)), longer);
}

TEST_CASE("fit: under a longer plan the refit begins anew, also where patience is at its end") {
  const Moons moons(with(kSmallFit, {{"lr", 0.02}, {"patience", 30}, {"validate-every", 10}}));
  const Fit before = fitted(moons.request);
  REQUIRE(before.state.step < 300);
  const Fit after = fitted(moons.resuming(before, {{"steps", 400}}));
  CHECK(after.state.best_step == before.state.best_step);
  CHECK(after.refit->raw != before.refit->raw);
}

TEST_CASE("fit: what follows from the steps follows more of them, unless it was chosen") {
  const GivenSettings tiny = {
      {"blocks", 1}, {"hidden", {4}}, {"patience", 0}, {"steps", 6000}, {"refit", "no"}};
  // 300 is what would suit 6000 steps of images.
  for (const bool is_chosen : {true, false}) {
    const Moons moons(is_chosen ? with(tiny, {{"validate-every", 300}}) : tiny, 60);
    Recorder recorder;
    recorder.end_after = 0;
    run_fit(moons.request, recorder);
    Recorder again;
    again.end_after = 0;
    run_fit(moons.resuming(*recorder.saved, {{"steps", 6200}}), again);
    CHECK(again.saved->settings.train.validate_every == (is_chosen ? 300 : 62));
    CHECK(again.saved->settings.train.patience == 0);
  }
}

TEST_CASE("fit: a resumed one refuses other settings and other data") {
  const Moons moons(kSmallFit);
  const Fit whole = fitted(moons.request);
  CHECK(error_of<UsageError>(moons.resuming(whole, {{"steps", 200}})) ==
        "--steps: m.iflow was begun with 300, not 200; a resumed fit can only become longer");
  CHECK(error_of<UsageError>(moons.resuming(whole, {{"blocks", 5}})) ==
        "--blocks: m.iflow was begun with 4, not 5; resume without it, or begin anew with --force");
  CHECK(error_of<UsageError>(moons.resuming(whole, {{"bits", 3}})) ==
        "--bits: a model of a table has no use for it");
  FitRequest other = moons.resuming(whole);
  other.data = moons.folder.write("other.csv", toy_csv("moons", 300, 1)).string();
  CHECK(error_of<DataError>(other) ==
        other.data +
            ": not the data that m.iflow was fitted on; resume with those, or begin anew with "
            "--force");
  other.val = other.data;
  CHECK(error_of<UsageError>(other) ==
        "--val: m.iflow was validated on rows of its data; resume without it");
}

TEST_CASE("fit: with a validation file, which must be given again") {
  Moons moons(kSmallFit);
  moons.request.val = moons.folder.write("val.csv", toy_csv("moons", 100, 2)).string();
  const Fit whole = fitted(moons.request);
  CHECK(whole.data.training_rows == 300);
  CHECK(whole.settings.val_fraction == 0.0);
  CHECK_FALSE(whole.refit);
  FitRequest again = moons.resuming(whole, {{"steps", 310}});
  CHECK(fitted(again).state.step == 310);
  again.val = moons.folder.write("other.csv", toy_csv("moons", 100, 3)).string();
  CHECK(error_of<DataError>(again).find("not the data") != std::string::npos);
  again.val.clear();
  CHECK(error_of<UsageError>(again) ==
        "--val: m.iflow was validated on a file of its own; give it again to resume");
}

TEST_CASE("fit: a mistake in the settings of a new one is a usage error") {
  const Moons moons(GivenSettings::object());
  for (const GivenSettings& given :
       {GivenSettings{{"steps", "many"}}, GivenSettings{{"stesp", 5}}, GivenSettings{{"lr", -1.0}},
        GivenSettings{{"bins", 3}}, GivenSettings{{"activation", "sinus"}}}) {
    FitRequest request = moons.request;
    request.given = given;
    CHECK(error_of<UsageError>(request) != "none");
  }
}

TEST_CASE("fit: the part of the rows to hold out is obeyed and recorded as it happened") {
  const GivenSettings tiny = {{"blocks", 1}, {"hidden", {4}}, {"steps", 1}, {"refit", "no"}};
  // One column of 21,000 rows: by default a twentieth.
  std::string csv = "x\n";
  for (int i = 0; i < 21000; ++i) csv += number_text(std::sin(i) + 1e-3 * i) + "\n";
  const TempDir folder;
  folder.write("x.csv", csv);
  const Fit chosen = fitted(request_for(folder, "x.csv", with(tiny, {{"val-fraction", 0.6}})));
  CHECK(chosen.data.validation_rows == 12600);
  CHECK(chosen.settings.val_fraction == 0.6);
  const Fit plain = fitted(request_for(folder, "x.csv", tiny));
  CHECK(plain.data.validation_rows == 1050);
  CHECK(plain.settings.val_fraction == 0.05);
}

}  // namespace
}  // namespace iflow::test
