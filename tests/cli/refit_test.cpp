// fit: the refit to all rows.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

// Long enough to be caught at it, with validations close together.
const std::string kCaught = " --blocks 4 --hidden 16,16 --steps 1500 --validate-every 10 ";

// The weights as they stand in the checkpoint.
std::string weights_of(const std::filesystem::path& checkpoint) {
  for (const auto& [name, content] : contents(checkpoint)) {
    if (name.starts_with("weights-")) return content;
  }
  return "";
}

double mean_log_density(const TempDir& folder, const std::string& model, const std::string& csv) {
  const ProcessResult r =
      run_shell("iflow logprob " + model + " " + csv + " --mean | tail -n 1 | cut -d, -f 1",
                {.cwd = folder.path()});
  return std::stod(r.out);
}

TEST_CASE("fit --refit: as many passes over all rows, judged by the fit before") {
  const MoonsFolder folder;
  const std::string fit = "iflow fit moons.csv --quiet --json" + kSmall;
  const json refitted = json::parse(folder.run(fit + "-o refitted").out);
  const json before = json::parse(folder.run(fit + "-o before --refit no --val-fraction 0.2").out);
  CHECK(refitted["training_rows"] == 400);
  CHECK(refitted["validation_rows"] == 100);
  const auto best = refitted["best_step"].get<double>();
  CHECK(refitted["refit_steps"] == std::min(std::round(best * 500 / 400), 300.0));
  CHECK(before["refit_steps"] == 0);
  CHECK(before["training_rows"] == 400);
  // Under the same options the fit before the refit would be the same; the defaults of as many rows
  // as a refit has may differ.
  const json options = model_of(folder / "refitted")["provenance"]["options"];
  CHECK(options["refit"] == "yes");
  CHECK(options["val-fraction"] == 0.2);
  CHECK(model_of(folder / "refitted")["refit"]["step"] == refitted["refit_steps"]);
  CHECK(!model_of(folder / "before").contains("refit"));
}

TEST_CASE("fit --refit: the fit before it is that without, with the same options") {
  const MoonsFolder folder;
  const std::string options =
      " --quiet --json --val-fraction 0.2 --jacobian-penalty 0.05 --activation-start 2 " + kSmall;
  const json refitted = json::parse(folder.run("iflow fit moons.csv -o refitted" + options).out);
  const json before =
      json::parse(folder.run("iflow fit moons.csv -o before --refit no" + options).out);
  for (const char* field : {"best_step", "validation", "gaussian", "mixture", "steps"}) {
    CHECK_MESSAGE(refitted[field] == before[field], field);
  }
  CHECK(model_of(folder / "refitted")["history"] == model_of(folder / "before")["history"]);
  // The baselines are of all rows, what comes before the training is not.
  const json model = model_of(folder / "refitted");
  const double mean = std::stod(
      folder.run("awk -F, 'NR > 1 {s += $1} END {printf \"%.12f\", s / 500}' moons.csv").out);
  CHECK(model["baselines"]["gaussian"]["mean"][0].get<double>() ==
        doctest::Approx(mean).epsilon(1e-9));
  CHECK(model["flow"] == model_of(folder / "before")["flow"]);
  CHECK(weights_of(folder / "refitted") != weights_of(folder / "before"));
  CHECK(folder.run("iflow verify refitted").exit_code == 0);
}

TEST_CASE("fit --refit: the rows that were held out are learned from") {
  // A flow that remembers its rows knows twice as many of them.
  const MoonsFolder folder;
  folder.run("iflow toy moons -n 60 > few.csv");
  const std::string options =
      " --quiet --json --val-fraction 0.5 --blocks 8 --hidden 32,32 --steps 1500 --patience 0 "
      "--jacobian-penalty 0 --activation-start 4 ";
  REQUIRE(folder.run("iflow fit few.csv -o before --refit no" + options).exit_code == 0);
  REQUIRE(folder.run("iflow fit few.csv -o refitted --refit yes" + options).exit_code == 0);
  CHECK(mean_log_density(folder, "refitted", "few.csv") >
        mean_log_density(folder, "before", "few.csv"));
}

TEST_CASE("fit --refit: the same bytes for any number of threads") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv --threads 1 -o one" + kSmall).exit_code == 0);
  REQUIRE(folder.run("iflow fit moons.csv --threads 2 -o two" + kSmall).exit_code == 0);
  CHECK(contents(folder / "one") == contents(folder / "two"));
}

TEST_CASE("fit --refit: interrupted, the model is that of before; killed or not, the same bytes") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + kCaught).exit_code == 0);
  for (const int signal : {SIGINT, SIGKILL}) {
    Process fit({"bash", "-c", "exec iflow fit moons.csv --force --log-every 100" + kCaught},
                {.cwd = folder.path()});
    fit.wait_for_err("refit: step 300/");
    fit.signal(signal);
    const ProcessResult r = fit.wait();
    const json model = model_of(folder / "moons.iflow");
    CHECK(model["refit"]["step"] < 1000);
    if (signal == SIGINT) {
      CHECK(r.exit_code == 130);
      CHECK(contains(r.err, "interrupted; moons.iflow holds the fit, and step "));
      CHECK(contains(r.err, "of the refit to all rows; resume with: iflow fit moons.csv --resume"));
      CHECK(model["refit"]["step"] >= 290);
    }
    CHECK(contains(folder.run("iflow info moons.iflow").out, "the model is that of before"));
    CHECK(weights_of(folder / "moons.iflow") != weights_of(folder / "whole"));
    CHECK(folder.run("iflow fit moons.csv --resume").exit_code == 0);
    CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
  }
}

TEST_CASE("fit --refit: an extended fit forgets it, and refits anew") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  REQUIRE(folder.run("cp -r moons.iflow caught").exit_code == 0);
  REQUIRE(folder.run("iflow fit moons.csv --resume --steps 2000").exit_code == 0);
  {
    Process fit(
        {"bash", "-c", "exec iflow fit moons.csv --resume --steps 2000 --log-every 50 -o caught"},
        {.cwd = folder.path()});
    fit.wait_for_err("\nstep 400/2000");
    fit.signal(SIGINT);
    CHECK(fit.wait().exit_code == 130);
  }
  CHECK(!model_of(folder / "caught").contains("refit"));
  CHECK(folder.run("iflow fit moons.csv --resume -o caught").exit_code == 0);
  CHECK(contents(folder / "caught") == contents(folder / "moons.iflow"));
}

TEST_CASE("fit --refit: under a longer plan it begins anew, also where patience is at its end") {
  const MoonsFolder folder;
  const std::string fit = "iflow fit moons.csv --lr 0.02 --patience 30 --validate-every 10 ";
  REQUIRE(folder.run(fit + kSmall).exit_code == 0);
  const json before = model_of(folder / "moons.iflow");
  REQUIRE(before["history"]["step"] < 300);
  REQUIRE(folder.run("cp -r moons.iflow caught").exit_code == 0);
  REQUIRE(folder.run("iflow fit moons.csv --resume --steps 400").exit_code == 0);
  const json after = model_of(folder / "moons.iflow");
  CHECK(after["history"]["best_step"] == before["history"]["best_step"]);
  CHECK(after["refit"]["points"] != before["refit"]["points"]);
  CHECK(folder.run("iflow fit moons.csv --resume --steps 400 -o caught --threads 1").exit_code ==
        0);
  CHECK(contents(folder / "caught") == contents(folder / "moons.iflow"));
}

TEST_CASE("fit --refit: a table with weights, integers, bounds and given columns") {
  const MoonsFolder folder;
  folder.write("t.csv", [] {
    std::string csv = "x,k,g,w\n";
    for (int i = 0; i < 120; ++i) {
      csv += std::to_string(std::exp(std::sin(i))) + "," + std::to_string(i % 7) + "," +
             std::to_string(std::cos(3 * i)) + "," + std::to_string(1 + i % 3) + "\n";
    }
    return csv;
  }());
  const std::string fit =
      "iflow fit t.csv --given g --weights w --bounds x=0: --refit yes" + kSmall;
  CHECK(folder.run(fit + "-o one --threads 1").exit_code == 0);
  CHECK(folder.run(fit + "-o two --threads 2").exit_code == 0);
  CHECK(contents(folder / "one") == contents(folder / "two"));
  CHECK(model_of(folder / "one")["refit"]["step"] > 0);
  CHECK(folder.run("cut -d, -f 1-3 t.csv | iflow logprob one - --mean").exit_code == 0);
}

TEST_CASE("fit --refit: many rows and images have none by default, a file to validate on never") {
  const MoonsFolder folder;
  const std::string tiny = " --blocks 1 --hidden 4 --steps 1 --force --quiet --json";
  const auto has_refit = [&](const std::string& rows) {
    const ProcessResult r = folder.run("iflow toy moons -n " + rows + " | iflow fit -" + tiny);
    REQUIRE_MESSAGE(r.exit_code == 0, r.err);
    return model_of(folder / "model.iflow").contains("refit");
  };
  CHECK(has_refit("20000"));
  CHECK_FALSE(has_refit("20001"));
  REQUIRE(folder.run("iflow toy shapes -n 20 -o s.npy").exit_code == 0);
  REQUIRE(folder.run("iflow fit s.npy --blocks 1 --steps 1 --quiet").exit_code == 0);
  CHECK(!model_of(folder / "s.iflow").contains("refit"));
  const ProcessResult images = folder.run("iflow fit s.npy --force --refit yes");
  CHECK(images.exit_code == 2);
  CHECK_MESSAGE(contains(images.err, "--refit: a model of images has no use for it"), images.err);
  CHECK(folder.run("iflow fit moons.csv --val moons.csv" + tiny).exit_code == 0);
  CHECK(!model_of(folder / "moons.iflow").contains("refit"));
  for (const std::string options : {"--refit yes --val moons.csv", "--refit maybe"}) {
    const ProcessResult r = folder.run("iflow fit moons.csv " + options + tiny);
    CHECK(r.exit_code == 2);
    CHECK_MESSAGE(contains(r.err, "--refit"), r.err);
  }
}

TEST_CASE("fit --refit: a checkpoint whose refit is damaged is turned down") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  json model = model_of(folder / "moons.iflow");
  REQUIRE(model.erase("refit") == 1);
  folder.write("moons.iflow/model.json", model.dump());
  const ProcessResult r = folder.run("iflow fit moons.csv --resume");
  CHECK(r.exit_code == 4);
  CHECK_MESSAGE(contains(r.err, "moons.iflow: training: "), r.err);
}

}  // namespace
}  // namespace iflow::test
