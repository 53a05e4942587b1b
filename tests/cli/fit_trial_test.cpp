// fit: the trial of activations.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

// So few that their plans are short.
constexpr int kFewRows = 100;

// A small flow, but the plan that the data have by default: any other leaves no trial.
const std::string kTried = " --blocks 8 --hidden 8,8 ";

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

// A folder with moons.csv and a fit of it that a signal ended: in its trial, where no other moment
// is named.
class EndedFolder : public MoonsFolder {
 public:
  explicit EndedFolder(int signal = SIGKILL, const std::string& options = "",
                       const std::string& moment = "trial of sine: step 100/")
      : MoonsFolder(kFewRows) {
    Process fit({"bash", "-c", "exec iflow fit moons.csv --log-every 100" + kTried + options},
                {.cwd = path()});
    fit.wait_for_err(moment);
    fit.signal(signal);
    ended = fit.wait();
  }

  ProcessResult ended;
};

TEST_CASE("fit: killed in the trial or after it and resumed, the same bytes") {
  const MoonsFolder once(kFewRows);
  REQUIRE(once.run("iflow fit moons.csv" + kTried).exit_code == 0);
  const auto whole = contents(once / "moons.iflow");
  for (const std::string moment : {"trial of sine: step 100/", "trial of tanh: step 200/",
                                   "activation: ", "refit: step 200/"}) {
    CAPTURE(moment);
    const EndedFolder folder(SIGKILL, "--threads 2", moment);
    const ProcessResult r = folder.run("iflow fit moons.csv --resume --threads 1");
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    CHECK(contents(folder / "moons.iflow") == whole);
  }
}

TEST_CASE("fit: killed at any time, the same bytes") {
  const MoonsFolder folder(kFewRows);
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + kTried).exit_code == 0);
  for (const int milliseconds : {5, 10, 20, 50, 100, 200}) {
    CAPTURE(milliseconds);
    Process fit({"bash", "-c", "exec iflow fit moons.csv" + kTried}, {.cwd = folder.path()});
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    fit.signal(SIGKILL);
    fit.wait();
    const bool begun = std::filesystem::exists(folder / "moons.iflow/model.json");
    const ProcessResult r = folder.run("iflow fit moons.csv " + (begun ? "--resume" : kTried));
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
    folder.run("rm -r moons.iflow");
  }
}

TEST_CASE("fit: interrupted in the trial, it leaves a checkpoint and says how to go on") {
  const MoonsFolder once(kFewRows);
  REQUIRE(once.run("iflow fit moons.csv" + kTried).exit_code == 0);
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    const EndedFolder folder(signal);
    CHECK(folder.ended.exit_code == code);
    CHECK_MESSAGE(contains(folder.ended.err,
                           "interrupted; moons.iflow holds a fit whose activation is yet to be "
                           "chosen; resume with: iflow fit moons.csv --resume\n"),
                  folder.ended.err);
    CHECK(contains(folder.run("iflow info moons.iflow").out, "yet to be chosen by a trial"));
    CHECK(folder.run("iflow logprob moons.iflow moons.csv").exit_code == 0);
    CHECK(folder.run("iflow verify moons.iflow").exit_code == 0);
    const ProcessResult r = folder.run("iflow fit moons.csv --resume");
    CHECK_MESSAGE(contains(r.err, "activation: tanh; in a trial it has -"), r.err);
    CHECK(trial_lines(folder, "moons.iflow").size() == 2);
    CHECK(contents(folder / "moons.iflow") == contents(once / "moons.iflow"));
  }
}

TEST_CASE("fit --resume: of an undecided fit") {
  const EndedFolder folder;
  const auto before = contents(folder / "moons.iflow");
  for (const std::string option : {"--activation tanh", "--steps 20", "--lr 1e-3", "--seed 1"}) {
    const ProcessResult r = folder.run("iflow fit moons.csv --resume " + option);
    CHECK_MESSAGE(r.exit_code == 2, option);
    CHECK_MESSAGE(contains(r.err, "error: " + option.substr(0, option.find(' ')) + ": "), r.err);
  }
  CHECK(contents(folder / "moons.iflow") == before);

  SUBCASE("with more steps") {
    CHECK(folder.run("iflow fit moons.csv --resume --steps 7000").exit_code == 0);
    const json options = model_of(folder / "moons.iflow")["provenance"]["options"];
    CHECK(options["steps"] == 7000);
    CHECK(options["activation"] == "tanh");
  }
  SUBCASE("that names an option it has not") {
    json model = model_of(folder / "moons.iflow");
    model["provenance"]["undecided"] = {"hidden", "bins"};
    folder.write("moons.iflow/model.json", model.dump(2));
    const ProcessResult r = folder.run("iflow fit moons.csv --resume");
    CHECK(r.exit_code == 4);
    CHECK_MESSAGE(contains(r.err, "provenance.undecided: \"bins\" is no option of the fit"), r.err);
  }
  SUBCASE("that leaves nothing to choose") {
    json model = model_of(folder / "moons.iflow");
    model["provenance"]["undecided"] = {"activation"};
    folder.write("moons.iflow/model.json", model.dump(2));
    const ProcessResult r = folder.run("iflow fit moons.csv --resume");
    CHECK(r.exit_code == 4);
    CHECK_MESSAGE(contains(r.err, "provenance.undecided: nothing is left to choose"), r.err);
  }
}

}  // namespace
}  // namespace iflow::test
