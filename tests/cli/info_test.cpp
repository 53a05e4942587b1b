#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/moons_model.h"
#include "data/table_reader.h"

namespace iflow::test {
namespace {

using nlohmann::json;

json info() { return json::parse(output_of("iflow info moons.iflow --json")); }

TEST_CASE("info: the flow and its parameters") {
  const json i = info();
  CHECK(i.at("dimension") == 2);
  const auto layers = i.at("layers").get<std::vector<std::string>>();
  REQUIRE(layers.size() == 4);
  CHECK(layers[0] == "standardise");
  CHECK(layers[1] == "actnorm");
  CHECK(layers[2].starts_with("6 residual blocks of 2-16-16-2, "));
  CHECK(layers[3] == "actnorm");
  // Per block 2-16-16-2 with biases and a parameter or none for each of two activations.
  const int block = (2 * 16 + 16) + (16 * 16 + 16) + (16 * 2 + 2), actnorm = 4;
  const int parameters = i.at("parameters").get<int>();
  CHECK(parameters >= 6 * block + 2 * actnorm);
  CHECK(parameters <= 6 * (block + 2 * 16) + 2 * actnorm);
}

TEST_CASE("info: the data") {
  const json data = info().at("data");
  CHECK(data.at("columns") == json{"x1", "x2"});
  CHECK(data.at("header") == true);
  CHECK(data.at("rows") == 2000);
  CHECK(data.at("training_rows").get<int>() + data.at("validation_rows").get<int>() == 2000);
  CHECK(data.at("hash") == content_hash(read_table((moons_folder() / "moons.csv").string())));
}

TEST_CASE("info: the training") {
  const json training = info().at("training");
  CHECK(training.at("steps") == 400);
  const json& history = training.at("history");
  REQUIRE(history.size() > 1);
  CHECK(history.front().at("step") == 0);
  double best = history.front().at("validation_loss").get<double>();
  for (const json& point : history)
    best = std::min(best, point.at("validation_loss").get<double>());
  CHECK(training.at("best_loss") == best);
  CHECK(best < history.front().at("validation_loss").get<double>());
}

TEST_CASE("info: proved Lipschitz bounds and the baseline") {
  const json i = info();
  double forward = 1, inverse = 1;
  REQUIRE(i.at("lipschitz").at("blocks").size() == 6);
  for (const json& bound : i.at("lipschitz").at("blocks")) {
    const double l = bound.get<double>();
    CHECK(l > 0);
    CHECK(l < 1);
    forward *= 1 + l;
    inverse /= 1 - l;
  }
  CHECK(i.at("lipschitz").at("forward").get<double>() == doctest::Approx(forward));
  CHECK(i.at("lipschitz").at("inverse").get<double>() == doctest::Approx(inverse));
  // The Gaussian's loss on (nearly) the rows that it was fitted on.
  const json eval = json::parse(output_of("iflow eval moons.iflow moons.csv --json"));
  CHECK(std::abs(i.at("gaussian").at("training_loss").get<double>() +
                 eval.at("gaussian").at("nats").get<double>()) < 0.02);
}

TEST_CASE("info: a table to read") {
  const std::string text = output_of("iflow info moons.iflow");
  const json i = info();
  CHECK(contains(text, "6 residual blocks of 2-16-16-2"));
  CHECK(contains(text, i.at("data").at("hash").get<std::string>()));
  CHECK(contains(text, "x1, x2"));
  CHECK(contains(text, "validation loss"));
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c != '\t'; }));
}

TEST_CASE("info: exit codes") {
  CHECK(in_moons_folder("iflow info").exit_code == 2);
  CHECK(in_moons_folder("iflow info none.iflow").exit_code == 4);
  CHECK(in_moons_folder("iflow info moons.iflow > /dev/full").exit_code == 1);
}

TEST_CASE("info: baselines that are none are refused") {
  const auto refused = [](const std::function<void(json & baselines)>& damage,
                          const std::string& hint) {
    in_moons_folder("rm -rf bad; cp -r moons.iflow bad");
    json model = json::parse(moons_folder().read("moons.iflow/model.json"));
    damage(model["baselines"]);
    moons_folder().write("bad/model.json", model.dump());
    const ProcessResult r = in_moons_folder("iflow info bad");
    CHECK(r.exit_code == 4);
    CHECK_MESSAGE(contains(r.err, hint), r.err);
  };
  using Damage = json&;
  const std::string mixture = "model.json: baselines.mixture";
  refused([](Damage b) { b["mixture"]["weights"][0] = -0.1; }, mixture + ".weights");
  refused([](Damage b) { b["mixture"]["weights"][0] = 0; }, mixture + ".weights");
  refused([](Damage b) { b["mixture"]["weights"][0] = 0.999; }, "their sum must be 1");
  refused([](Damage b) { b["mixture"]["weights"].erase(0); }, mixture + ".weights");
  refused(
      [](Damage b) {
        b["mixture"] = {{"weights", json::array()}, {"components", json::array()}};
      },
      mixture + ".weights");
  refused([](Damage b) { b["mixture"]["components"][0]["covariance"][0] = -1; },
          mixture + ".components[0].covariance: the covariance is not positive definite");
  refused(
      [](Damage b) {
        b["mixture"]["components"][1]["covariance"] = {1, 2, 2, 1};
      },
      mixture + ".components[1].covariance: the covariance is not positive definite");
  refused([](Damage b) { b["mixture"]["components"][0]["covariance"][1] = 0.001; },
          "the covariance is not symmetric");
  refused([](Damage b) { b["mixture"]["components"][0]["covariance"].erase(3); },
          "a covariance of 3 numbers");
  refused([](Damage b) { b["mixture"]["components"][0]["mean"].push_back(1); }, "a mean of 3");
  refused([](Damage b) { b["gaussian"]["covariance"][3] = 0; }, "baselines.gaussian.covariance");
  refused([](Damage b) { b["gaussian"]["covariance"][0] = "x"; }, "baselines.gaussian.covariance");
  refused([](Damage b) { b.erase("mixture"); }, "mixture");
}

}  // namespace
}  // namespace iflow::test
