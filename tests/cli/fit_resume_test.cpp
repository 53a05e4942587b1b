// fit: killed, interrupted, resumed, extended.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

// Long enough to be caught at it, with validations close together, and the penalty at work.
const std::string kCaught =
    " --blocks 4 --hidden 16,16 --steps 1500 --validate-every 10 --l1 0.02 ";

TEST_CASE("fit: killed at any moment and resumed, the same bytes as in one go") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + kCaught).exit_code == 0);
  const auto whole = contents(folder / "whole");
  // From before the first checkpoint to well into the training.
  for (const int milliseconds : {5, 40, 150, 400}) {
    CAPTURE(milliseconds);
    const std::string name = "killed" + std::to_string(milliseconds);
    {
      Process fit({"bash", "-c", "exec iflow fit moons.csv -o " + name + kCaught},
                  {.cwd = folder.path()});
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      fit.signal(SIGKILL);
      fit.wait();
    }
    const bool begun = std::filesystem::exists(folder / name / "model.json");
    const ProcessResult r = begun ? folder.run("iflow fit moons.csv --resume -o " + name)
                                  : folder.run("iflow fit moons.csv -o " + name + kCaught);
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    CHECK(contents(folder / name) == whole);
  }
}

TEST_CASE("fit: killed between its last commit and the removal of the one before, the same bytes") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const auto whole = contents(folder / "moons.iflow");
  folder.write("moons.iflow/weights-" + std::string(32, '0') + ".safetensors", "of before");
  CHECK(folder.run("iflow fit moons.csv --resume").exit_code == 0);
  CHECK(contents(folder / "moons.iflow") == whole);
}

TEST_CASE("fit: interrupted, it leaves a checkpoint and says how to go on") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + kCaught).exit_code == 0);
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    Process fit({"bash", "-c", "exec iflow fit moons.csv --force --log-every 100" + kCaught},
                {.cwd = folder.path()});
    fit.wait_for_err("step 300/1500");
    fit.signal(signal);
    const ProcessResult r = fit.wait();
    CHECK(r.exit_code == code);
    CHECK(contains(r.err, "interrupted; moons.iflow holds step "));
    CHECK(contains(r.err, "resume with: iflow fit moons.csv --resume\n"));
    const auto step = model_of(folder / "moons.iflow")["history"]["step"].get<int>();
    CHECK(step >= 290);
    CHECK(step < 1500);
    CHECK(folder.run("iflow logprob moons.iflow moons.csv").exit_code == 0);
    CHECK(folder.run("iflow fit moons.csv --resume").exit_code == 0);
    CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
  }
}

TEST_CASE("fit --resume: more steps or more time extend the plan") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  REQUIRE(folder.run("cp -r moons.iflow copy").exit_code == 0);
  CHECK(folder.run("iflow fit moons.csv --resume --steps 500").exit_code == 0);
  const json model = model_of(folder / "moons.iflow");
  CHECK(model["history"]["step"] == 500);
  CHECK(model["provenance"]["options"]["steps"] == 500);
  CHECK(model["provenance"]["options"]["steps"] == 500);
  CHECK(folder.run("iflow fit moons.csv --resume --steps 500 -o copy --threads 1").exit_code == 0);
  CHECK(contents(folder / "copy") == contents(folder / "moons.iflow"));
  CHECK(folder.run("iflow fit moons.csv --resume --time 1s").exit_code == 0);
  CHECK(model_of(folder / "moons.iflow")["history"]["step"] > 500);
}

TEST_CASE("fit: an existing checkpoint is replaced by --force only") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const auto before = contents(folder / "moons.iflow");
  const ProcessResult r = folder.run("iflow fit moons.csv --seed 1" + kSmall);
  CHECK(r.exit_code == 2);
  CHECK(contains(r.err, "moons.iflow: there is a checkpoint already"));
  CHECK(contents(folder / "moons.iflow") == before);
  CHECK(folder.run("iflow fit moons.csv --seed 1 --force" + kSmall).exit_code == 0);
  CHECK(contents(folder / "moons.iflow") != before);
}

TEST_CASE("fit: two at a time on one checkpoint") {
  const MoonsFolder folder;
  Process first({"bash", "-c", "exec iflow fit moons.csv --log-every 10 --steps 100000"},
                {.cwd = folder.path()});
  first.wait_for_err("step 10/");
  const ProcessResult second = folder.run("iflow fit moons.csv --force" + kSmall);
  CHECK(second.exit_code == 1);
  CHECK(contains(second.err, "moons.iflow: in use"));
  first.signal(SIGINT);
  CHECK(first.wait().exit_code == 130);
}

}  // namespace
}  // namespace iflow::test
