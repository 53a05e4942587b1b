// Fits that are stacked mixtures: chosen by the data's shape, honest, exact, resumed.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "fit/fit.h"
#include "fit/fit_fixture.h"
#include "model/fitted_model.h"

namespace iflow::test {
namespace {

const GivenSettings kNothing = GivenSettings::object();

// Two clusters of equal size in three columns: x = N(0, I / 4) +- (2, 0, 0), whose density is
// known.
struct Clusters {
  std::vector<double> rows;
  std::string csv = "a,b,c\n";

  explicit Clusters(std::size_t n, std::uint64_t seed) {
    for (std::size_t i = 0; i < n; ++i) {
      Rng rng(seed, RngPurpose::kTest, i);
      const double side = rng.uniform() < 0.5 ? -2 : 2;
      for (int j = 0; j < 3; ++j) {
        rows.push_back(0.5 * rng.normal() + (j == 0 ? side : 0));
        csv += (j == 0 ? "" : ",") + std::to_string(rows.back());
      }
      csv += "\n";
    }
  }

  static double log_density(const double* x) {
    const auto cluster = [&](double side) {
      const double squares = (x[0] - side) * (x[0] - side) + x[1] * x[1] + x[2] * x[2];
      return std::exp(-2 * squares);
    };
    return std::log((cluster(-2) + cluster(2)) / 2) - 1.5 * std::log(2 * std::acos(-1) / 4);
  }
};

struct Table {
  TempDir folder;
  FitRequest request;

  explicit Table(const std::string& csv, const GivenSettings& given = kNothing) {
    folder.write("x.csv", csv);
    request = request_for(folder, "x.csv", given);
  }
};

FitResult fitted_result(const FitRequest& request) {
  Recorder recorder;
  FitResult result = run_fit(request, recorder);
  REQUIRE(recorder.saved);
  return result;
}

TEST_CASE("few rows of three columns: the stacked mixture, whose report holds on fresh rows") {
  double reported = 0, on_fresh_rows = 0, behind_truth = 0;
  constexpr int kSamples = 5;
  for (int sample = 0; sample < kSamples; ++sample) {
    const Clusters few(180, 10 + static_cast<std::uint64_t>(sample)), fresh(2000, 1);
    const Table table(few.csv);
    const FitResult result = fitted_result(table.request);
    REQUIRE(result.fit.stack);
    CHECK(result.fit.settings.start == Start::kStack);
    CHECK(result.fit.data.training_rows == 180);
    CHECK(result.held_out.mean > result.baselines.gaussian.mean + 0.1);
    const FittedModel model(result.fit);
    const std::vector<double> log_p = model.log_density(fresh.rows);
    for (std::size_t i = 0; i < log_p.size(); ++i) {
      on_fresh_rows += log_p[i] / 2000 / kSamples;
      behind_truth += (Clusters::log_density(&fresh.rows[3 * i]) - log_p[i]) / 2000 / kSamples;
    }
    reported += result.held_out.mean / kSamples;
  }
  CHECK(std::fabs(reported - on_fresh_rows) < 0.15);
  CHECK(behind_truth > 0);
  CHECK(behind_truth < 0.2);
}

TEST_CASE("a stacked mixture is encoded and decoded like any flow") {
  const Clusters few(150, 3), fresh(20, 4);
  const Table table(few.csv);
  const FittedModel model(fitted_result(table.request).fit);
  const std::vector<double> z = model.encode(fresh.rows), back = model.decode(z);
  for (std::size_t i = 0; i < back.size(); ++i) {
    CHECK(back[i] == doctest::Approx(fresh.rows[i]).epsilon(1e-6));
  }
}

TEST_CASE("the stack bows to what is chosen of the training, to planes and to many rows") {
  const DataShape few = {300, 4, 0, std::nullopt};
  const auto start = [](const GivenSettings& given, const DataShape& shape) {
    return new_settings(given, shape, "x").start;
  };
  CHECK(start(kNothing, few) == Start::kStack);
  CHECK(start({{"seed", 3}, {"bounds", {"a=0:"}}}, few) == Start::kStack);
  CHECK(start({{"steps", 100}}, few) == Start::kGaussian);
  CHECK(start({{"l1", 0.1}}, few) == Start::kGaussian);
  CHECK(start({{"model", "glow"}}, few) == Start::kGaussian);
  CHECK(start(kNothing, {300, 2, 0, std::nullopt}) == Start::kGaussian);
  CHECK(start(kNothing, {1000, 4, 0, std::nullopt}) == Start::kGaussian);
  CHECK(start({{"start", "stack"}}, {1000, 2, 0, std::nullopt}) == Start::kStack);
  CHECK_THROWS_WITH_AS(start({{"start", "stack"}, {"steps", 9}}, few),
                       "--steps: --start stack has no use for it", UsageError);
}

TEST_CASE("bounds: the report counts them, and the model keeps to them") {
  std::string csv = "a,b,c\n";
  for (std::size_t i = 0; i < 200; ++i) {
    Rng rng(5, RngPurpose::kTest, i);
    csv += std::to_string(std::exp(rng.normal())) + "," + std::to_string(rng.normal()) + "," +
           std::to_string(rng.normal()) + "\n";
  }
  const Table table(csv, {{"bounds", {"a=0:"}}});
  const FitResult bounded = fitted_result(table.request);
  REQUIRE(bounded.fit.stack);
  // ln p of the truth: that of a lognormal and two normals has a mean of -3 (1 + ln 2 pi) / 2.
  CHECK(bounded.held_out.mean == doctest::Approx(-4.257).epsilon(0.08));
  const FittedModel model(bounded.fit);
  const std::vector<double> drawn = model.sample(500);
  for (std::size_t i = 0; i < drawn.size(); i += 3) CHECK(drawn[i] >= 0);
}

TEST_CASE("resumed it is finished, and has no steps to add") {
  const Table table(Clusters(120, 6).csv);
  const Fit fit = fitted_result(table.request).fit;
  FitRequest again = table.request;
  again.resumed = fit;
  Recorder recorder;
  CHECK(run_fit(again, recorder).was_finished);
  CHECK_FALSE(recorder.saved);
  again.given = {{"steps", 100}};
  CHECK_THROWS_AS(run_fit(again, recorder), UsageError);
}

}  // namespace
}  // namespace iflow::test
