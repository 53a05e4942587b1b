// iflow compare: several models on the same rows.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

const std::string kTwo = "iflow compare moons.csv --models spline,iresnet --steps 60 ";

json result_of(const MoonsFolder& folder, const std::string& script) {
  const ProcessResult r = folder.run(script);
  REQUIRE_MESSAGE(r.exit_code == 0, r.err);
  return json::parse(r.out);
}

TEST_CASE("compare: every model is the fit of that model, judged on the same rows") {
  const MoonsFolder folder;
  const json result = result_of(folder, kTwo + "--json --seed 3 --val-fraction 0.2 --save kept");
  REQUIRE(result.size() == 1);
  CHECK(result[0]["data"] == "moons");
  CHECK(result[0]["validation_rows"] == 100);
  const json& models = result[0]["models"];
  REQUIRE(models.size() == 2);
  for (const json& model : models) {
    const std::string name = model["model"], kept = "kept/moons-" + name + ".iflow";
    CHECK(model["checkpoint"] == kept);
    const json alone = result_of(folder,
                                 "iflow fit moons.csv -o alone --force --quiet --json --refit no "
                                 "--steps 60 --seed 3 --val-fraction 0.2 --model " +
                                     name);
    CHECK(contents(folder / kept) == contents(folder / "alone"));
    CHECK(model["negative_log_likelihood"]["mean"].get<double>() ==
          doctest::Approx(-alone["validation"]["mean"].get<double>()).epsilon(1e-13));
    CHECK(model["negative_log_likelihood"]["se"] == alone["validation"]["se"]);
    CHECK(model["parameters"] == alone["parameters"]);
    CHECK(model["steps"] == alone["steps"]);
    CHECK(model["best_step"] == alone["best_step"]);
    CHECK(model["inverse_error"].get<double>() < (name == "spline" ? 1e-12 : 1e-5));
    CHECK(model["logprob_rows_per_second"].get<double>() > 0);
    CHECK(model["sample_rows_per_second"].get<double>() > 0);
    CHECK(result[0]["gaussian"]["mean"].get<double>() ==
          doctest::Approx(-alone["gaussian"]["mean"].get<double>()).epsilon(1e-13));
    CHECK(result[0]["mixture"]["mean"].get<double>() ==
          doctest::Approx(-alone["mixture"]["mean"].get<double>()).epsilon(1e-13));
  }
  // One of them is the best; the other's excess is the difference of the means.
  const auto excess = [&](int i) { return models[i]["above_best"]["mean"].get<double>(); };
  const auto nats = [&](int i) {
    return models[i]["negative_log_likelihood"]["mean"].get<double>();
  };
  CHECK(std::min(excess(0), excess(1)) == 0);
  CHECK(excess(0) - excess(1) == doctest::Approx(nats(0) - nats(1)).epsilon(1e-9));
}

TEST_CASE("compare: the table, the progress and nothing left behind") {
  const MoonsFolder folder;
  const ProcessResult r = folder.run(kTwo + "--log-every 25");
  REQUIRE_MESSAGE(r.exit_code == 0, r.err);
  CHECK(r.out.starts_with("model  "));
  CHECK(contains(r.out, "held-out nats  above best"));
  CHECK(contains(r.out, "\nspline   "));
  CHECK(contains(r.out, "\niresnet  "));
  CHECK(contains(r.out, "moons: 450 rows to train on, 50 held out"));
  CHECK(contains(r.err, "model 1 of 2, spline: step 25/60"));
  CHECK(contains(r.err, "model 2 of 2, iresnet: step 50/60"));
  CHECK(folder.run("ls").out == "moons.csv\n");
  const ProcessResult quiet = folder.run(kTwo + "--quiet");
  CHECK(quiet.err == "");
}

TEST_CASE("compare: the picture, of one set of data and of two") {
  const MoonsFolder folder;
  folder.run("iflow toy rings -n 300 -o rings.csv");
  REQUIRE(folder.run(kTwo + "-o one.png --threads 1").exit_code == 0);
  const ProcessResult piped = folder.run("cat moons.csv | " + kTwo + "-o - >again.png");
  CHECK(contains(piped.err, "held-out nats"));
  CHECK(folder.run("cmp one.png again.png").exit_code == 0);
  const ProcessResult two =
      folder.run("iflow compare moons.csv rings.csv --models nice --steps 20 -o two.png");
  CHECK_MESSAGE(two.exit_code == 0, two.err);
  CHECK(contains(two.err, "fit 2 of 2, nice on rings: "));
  CHECK(contains(two.out, "\nmoons  nice"));
  CHECK(contains(two.out, "\nrings  nice"));
  CHECK(folder.run("head -c 8 two.png").out == "\x89PNG\r\n\x1a\n");
}

TEST_CASE("compare: as many parameters for every model") {
  const MoonsFolder folder;
  const json result =
      result_of(folder, "iflow compare moons.csv --steps 5 --parameters 6000 --json --quiet");
  for (const json& model : result.at(0).at("models")) {
    INFO(model["model"]);
    CHECK(model["parameters"].get<double>() == doctest::Approx(6000).epsilon(0.05));
  }
}

TEST_CASE("compare: weights, and a file to validate on") {
  const MoonsFolder folder;
  folder.run("awk -F, 'BEGIN {OFS = FS} {print $0, NR == 1 ? \"w\" : NR % 3}' moons.csv > w.csv");
  const std::string options = "w.csv --weights w --val w.csv --steps 30 --quiet --json";
  const json model =
      result_of(folder, "iflow compare --models glow " + options).at(0).at("models").at(0);
  const json alone = result_of(folder, "iflow fit --model glow " + options);
  CHECK(model["negative_log_likelihood"]["se"] == alone["validation"]["se"]);
}

TEST_CASE("compare: an interrupted one ends with its signal") {
  const MoonsFolder folder;
  Process process({iflow_executable().string(), "compare", "moons.csv", "--models", "glow",
                   "--steps", "1000000", "--log-every", "20", "--save", "kept"},
                  {.cwd = folder.path()});
  process.wait_for_err("model 1 of 1, glow: step 20/1000000");
  process.signal(SIGINT);
  const ProcessResult r = process.wait();
  CHECK(r.exit_code == 130);
  CHECK(contains(r.err, "model 1 of 1, glow: interrupted"));
  CHECK(folder.run("iflow info kept/moons-glow.iflow").exit_code == 0);
}

TEST_CASE("compare: what can't be compared") {
  const MoonsFolder folder;
  folder.run("iflow toy moons -n 50 | cut -d, -f1 > one.csv; mkdir other; cp moons.csv other");
  const auto check_fails = [&](const std::string& arguments, int exit_code,
                               const std::string& message) {
    const ProcessResult r = folder.run("iflow compare " + arguments);
    CHECK_MESSAGE(r.exit_code == exit_code, arguments);
    CHECK_MESSAGE(contains(r.err, message), r.err);
    CHECK(r.out == "");
  };
  check_fails("moons.csv --models glow,glwo", 2, "unknown model \"glwo\"; did you mean \"glow\"?");
  check_fails("moons.csv --models glow,nice,glow", 2, "--models: \"glow\" comes twice");
  check_fails("moons.csv other/moons.csv", 2, "DATA: \"moons\" comes twice");
  check_fails("moons.csv one.csv --val moons.csv", 2, "--val: one file can't validate several");
  check_fails("moons.csv --steps 5 --time 1s", 2, "--steps excludes --time");
  check_fails("moons.csv --parameters 20", 2, "--parameters: iresnet of 20 blocks has at least");
  check_fails("moons.csv --json -o -", 2, "--json prints the result on standard output");
  check_fails("moons.csv --force", 2, "--force requires --save");
  check_fails("one.csv", 2, "coupling layers need at least 2 columns, and one.csv has 1");
  check_fails("one.csv --models iresnet -o x.png", 2, "-o: the figure is for images or 2 columns");
  check_fails("moons.csv -o no/x.png", 1, "no/x.png");
  check_fails("none.csv", 3, "none.csv");
  REQUIRE(folder.run("iflow compare moons.csv --models nice --steps 5 --save kept").exit_code == 0);
  check_fails("moons.csv --models nice --save kept", 2, "there is a checkpoint already");
  CHECK(
      folder.run("iflow compare moons.csv --models nice --steps 5 --save kept --force").exit_code ==
      0);
}

}  // namespace
}  // namespace iflow::test
