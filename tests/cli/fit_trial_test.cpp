// fit: the trial of activations.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

// So few that their plans are short.
constexpr int kFewRows = 100;

// A small flow, but the plan that the data have by default: any other leaves no trial.
const std::string kTried = " --blocks 6 --hidden 8,8 ";

std::vector<json> trial_lines(const TempDir& folder, const std::string& checkpoint) {
  std::vector<json> lines;
  std::istringstream log(folder.read(checkpoint + "/log.jsonl"));
  for (std::string line; std::getline(log, line);) {
    const json event = json::parse(line);
    if (event.value("event", "") == "trial") lines.push_back(event);
  }
  return lines;
}

std::string activation_of(const std::filesystem::path& checkpoint) {
  return model_of(checkpoint)["provenance"]["options"]["activation"];
}

TEST_CASE("fit: the trial's choice is the fit that would have been made with it") {
  const TempDir folder;
  const auto run = [&](const std::string& command) {
    return run_shell(command, {.cwd = folder.path()});
  };
  // A ring of Gaussians is smooth, four thin rings are not.
  for (const auto& [toy, activation] : {std::pair<std::string, std::string>{"8gaussians", "tanh"},
                                        std::pair<std::string, std::string>{"rings", "sine"}}) {
    CAPTURE(toy);
    REQUIRE(run("iflow toy " + toy + " -n 200 -o d.csv").exit_code == 0);
    const ProcessResult chosen = run("iflow fit d.csv -o chosen --threads 2" + kTried);
    REQUIRE_MESSAGE(chosen.exit_code == 0, chosen.err);
    CHECK(activation_of(folder / "chosen") == activation);
    CHECK_MESSAGE(contains(chosen.err, "activation: " + activation + "; in a trial it has -"),
                  chosen.err);

    const std::vector<json> tried = trial_lines(folder, "chosen");
    REQUIRE(tried.size() == 2);
    CHECK(tried[0]["activation"] == activation);
    CHECK(tried[0]["validation_loss"] < tried[1]["validation_loss"]);

    const std::string steps = model_of(folder / "chosen")["training"]["steps"].dump();
    REQUIRE(run("iflow fit d.csv -o told --threads 1 --activation " + activation + " --steps " +
                steps + kTried)
                .exit_code == 0);
    CHECK(contents(folder / "chosen") == contents(folder / "told"));
    CHECK(trial_lines(folder, "told").empty());
    REQUIRE(run("rm -r chosen told").exit_code == 0);
  }
}

TEST_CASE("fit: a candidate that is far behind after 4,000 steps is dropped") {
  const TempDir folder;
  // Of 1,000 rows, 13,924 steps: trials of 3,713 with sine and of 5,569 with tanh.
  const ProcessResult r =
      run_shell("iflow toy rings -n 1000 | iflow fit - -o m --quiet --blocks 8 --hidden 16,16",
                {.cwd = folder.path()});
  REQUIRE_MESSAGE(r.exit_code == 0, r.err);
  CHECK(activation_of(folder / "m") == "sine");
  const json dropped = trial_lines(folder, "m").at(1);
  CHECK(dropped["activation"] == "tanh");
  CHECK(dropped["steps"] >= 4000);
  CHECK(dropped["steps"] < 4100);
}

TEST_CASE("fit: killed after the trial and resumed, the same bytes") {
  const MoonsFolder folder(kFewRows);
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + kTried).exit_code == 0);
  for (const std::string moment : {"refit: step 200/", "activation: "}) {
    CAPTURE(moment);
    Process fit({"bash", "-c", "exec iflow fit moons.csv --log-every 100" + kTried},
                {.cwd = folder.path()});
    fit.wait_for_err(moment);
    fit.signal(SIGKILL);
    fit.wait();
    const bool begun = std::filesystem::exists(folder / "moons.iflow/model.json");
    CHECK(folder.run("iflow fit moons.csv " + (begun ? "--resume" : kTried)).exit_code == 0);
    CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
    folder.run("rm -r moons.iflow");
  }
}

TEST_CASE("fit: where every candidate of the trial diverges, so does the fit") {
  const MoonsFolder folder(kFewRows);
  const ProcessResult r = folder.run("iflow fit moons.csv --lr 1e12" + kTried);
  CHECK(r.exit_code == 1);
  CHECK_MESSAGE(contains(r.err, "warning: trial of sine: training diverged for good"), r.err);
  CHECK_FALSE(std::filesystem::exists(folder / "moons.iflow"));
}

TEST_CASE("fit: interrupted in the trial, it leaves everything as it was") {
  const MoonsFolder folder(kFewRows);
  const auto interrupted = [&](const std::string& options) {
    Process fit({"bash", "-c", "exec iflow fit moons.csv --log-every 100" + kTried + options},
                {.cwd = folder.path()});
    fit.wait_for_err("trial of tanh: step 200/");
    fit.signal(SIGINT);
    const ProcessResult r = fit.wait();
    CHECK(r.exit_code == 130);
    CHECK_MESSAGE(contains(r.err, "interrupted in the trial of activations; nothing is saved"),
                  r.err);
  };
  interrupted("");
  CHECK_FALSE(std::filesystem::exists(folder / "moons.iflow"));
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const auto before = contents(folder / "moons.iflow");
  interrupted("--force");
  CHECK(contents(folder / "moons.iflow") == before);
}

TEST_CASE("fit: no trial where there is nothing to choose, or no time for it") {
  const MoonsFolder folder;
  folder.run("iflow toy moons -n 20001 -o many.csv");
  folder.run(
      "awk -F, 'NR == 1 {print $0 \",z\"} NR > 1 {print $0 \",\" $1 * $2}' moons.csv > 3.csv");
  const std::string tiny = " --blocks 1 --hidden 4 --force -o m ";
  for (const std::string options :
       {"moons.csv --activation sine", "moons.csv --activation elu", "moons.csv --steps 20",
        "moons.csv --activation-start 3", "moons.csv --time 1s", "moons.csv --model nice", "3.csv",
        "many.csv --patience 100"}) {
    const ProcessResult r = folder.run("iflow fit " + options + tiny);
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    CHECK_MESSAGE(!contains(r.err, "trial"), r.err);
    CHECK(trial_lines(folder, "m").empty());
  }
}

}  // namespace
}  // namespace iflow::test
