#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
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

}  // namespace
}  // namespace iflow::test
