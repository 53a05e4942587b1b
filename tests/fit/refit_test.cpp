// The refit to all rows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.h"
#include "fit/fit_fixture.h"
#include "model/flow_model.h"

namespace iflow::test {
namespace {

const GivenSettings kJudged =
    with(kSmallFit, {{"val-fraction", 0.2}, {"jacobian-penalty", 0.05}, {"activation-start", 2.0}});

TEST_CASE("refit: as many passes over all rows as were best") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 500));
  const Fit refitted = fitted(request_for(folder, "moons.csv", kSmallFit));
  CHECK(refitted.data.training_rows == 400);
  CHECK(refitted.data.validation_rows == 100);
  CHECK(refitted.settings.refit == true);
  CHECK(refitted.settings.val_fraction == 0.2);
  const auto best = static_cast<double>(refitted.state.best_step);
  const double steps = std::min(std::round(best * 500 / 400), 300.0);
  CHECK(static_cast<double>(refit_steps(refitted)) == steps);
  CHECK(refitted.refit->step == refit_steps(refitted));
  CHECK(refitted.parameters == refitted.refit->best);
}

TEST_CASE("refit: the fit before it is that without, with the same settings") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 500));
  Recorder with_refit, without;
  const FitResult refitted = run_fit(request_for(folder, "moons.csv", kJudged), with_refit);
  const FitResult before =
      run_fit(request_for(folder, "moons.csv", with(kJudged, {{"refit", "no"}})), without);
  CHECK(refitted.held_out.mean == before.held_out.mean);
  CHECK(refitted.baselines.gaussian.mean == before.baselines.gaussian.mean);
  CHECK(refitted.baselines.mixture.mean == before.baselines.mixture.mean);
  check_same(refitted.fit.state, before.fit.state);
  CHECK_FALSE(before.fit.refit);
  CHECK(with_refit.saved->parameters != without.saved->parameters);
  // The baselines of the record are of all rows.
  const std::vector<double> x = find_toy("moons").sample(0, 0, 500);
  double mean = 0;
  for (std::size_t i = 0; i < x.size(); i += 2) mean += x[i] / 500;
  CHECK(with_refit.saved->gaussian.mean[0] == doctest::Approx(mean).epsilon(1e-9));
  CHECK(without.saved->gaussian.mean[0] != doctest::Approx(mean).epsilon(1e-9));
}

TEST_CASE("refit: the rows that were held out are learned from") {
  // A flow that remembers its rows knows twice as many of them.
  const TempDir folder;
  folder.write("few.csv", toy_csv("moons", 60));
  const GivenSettings given = {{"val-fraction", 0.5}, {"blocks", 8},
                               {"hidden", {32, 32}},  {"steps", 1500},
                               {"patience", 0},       {"jacobian-penalty", 0.0},
                               {"refit", "yes"},      {"activation-start", 4.0}};
  const std::vector<double> rows = find_toy("moons").sample(0, 0, 60);
  const auto mean_log_density = [&](const GivenSettings& settings) {
    const Fit fit = fitted(request_for(folder, "few.csv", settings));
    const std::vector<double> log_p = Model(fit.flow, fit.parameters).log_density(rows);
    return std::accumulate(log_p.begin(), log_p.end(), 0.0) / 60;
  };
  CHECK(mean_log_density(given) > mean_log_density(with(given, {{"refit", "no"}})));
}

TEST_CASE("refit: a table with weights, integers, bounds and given columns") {
  const TempDir folder;
  std::string csv = "x,k,g,w\n";
  for (int i = 0; i < 120; ++i) {
    csv += number_text(std::exp(std::sin(i))) + "," + std::to_string(i % 7) + "," +
           number_text(std::cos(3 * i)) + "," + std::to_string(1 + i % 3) + "\n";
  }
  folder.write("t.csv", csv);
  const FitRequest request = request_for(
      folder, "t.csv",
      with(kSmallFit,
           {{"given", {"g"}}, {"weights", "w"}, {"bounds", {"x=0:"}}, {"refit", "yes"}}));
  const Fit fit = fitted(request);
  CHECK(fit.refit->step > 0);
  CHECK(is_refitted(fit));
  CHECK(fit.data.given == std::vector<std::string>{"g"});
  check_same(fitted(request), fit);
}

}  // namespace
}  // namespace iflow::test
