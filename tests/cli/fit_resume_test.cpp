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

TEST_CASE("fit: interrupted more than once on the way, the same bytes") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + kCaught).exit_code == 0);
  std::string command = "iflow fit moons.csv" + kCaught;
  for (const std::string step : {"step 200/", "step 700/", "step 1100/"}) {
    Process fit({"bash", "-c", "exec " + command + "--log-every 50"}, {.cwd = folder.path()});
    fit.wait_for_err(step);
    fit.signal(SIGINT);
    REQUIRE(fit.wait().exit_code == 130);
    command = "iflow fit moons.csv --resume ";
  }
  CHECK(folder.run(command).exit_code == 0);
  CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
}

TEST_CASE("fit --resume: a finished fit is left alone") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const auto before = contents(folder / "moons.iflow");
  const std::string log = folder.read("moons.iflow/log.jsonl");
  for (const std::string options : {" --resume", " --resume --steps 300", " --resume --lr 5e-3"}) {
    const ProcessResult r = folder.run("iflow fit moons.csv" + options);
    CHECK(r.exit_code == 0);
    CHECK(contains(r.err, "already finished"));
  }
  CHECK(contents(folder / "moons.iflow") == before);
  CHECK(folder.read("moons.iflow/log.jsonl") == log);
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

TEST_CASE("fit --resume: what follows from the steps follows more of them, unless it was chosen") {
  const MoonsFolder folder;
  const std::string fit = "iflow fit moons.csv --blocks 1 --hidden 4 --patience 0 --quiet ";
  // 300 is what would suit 6000 steps of images.
  REQUIRE(folder.run(fit + "--steps 6000 --validate-every 300 -o chosen").exit_code == 0);
  REQUIRE(folder.run(fit + "--steps 6000 -o followed").exit_code == 0);
  for (const std::string name : {"chosen", "followed"}) {
    REQUIRE(folder.run("iflow fit moons.csv --resume --steps 6200 -o " + name).exit_code == 0);
  }
  const json chosen = model_of(folder / "chosen")["provenance"]["options"];
  const json followed = model_of(folder / "followed")["provenance"]["options"];
  CHECK(chosen["validate-every"] == 300);
  CHECK(followed["validate-every"] == 62);
  CHECK(chosen["patience"] == 0);
}

TEST_CASE("fit --resume: an extension that was killed goes on with its own plan") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  REQUIRE(folder.run("cp -r moons.iflow whole").exit_code == 0);
  REQUIRE(folder.run("iflow fit moons.csv -o whole --resume --steps 2000").exit_code == 0);
  {
    Process fit({"bash", "-c", "exec iflow fit moons.csv --resume --steps 2000 --log-every 50"},
                {.cwd = folder.path()});
    fit.wait_for_err("step 400/2000");
    fit.signal(SIGKILL);
    fit.wait();
  }
  CHECK(folder.run("iflow fit moons.csv --resume").exit_code == 0);
  CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
}

TEST_CASE("fit --resume: any other option that differs is named") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const auto before = contents(folder / "moons.iflow");
  for (const std::string option :
       {"--steps 200", "--blocks 5", "--hidden 16", "--activation elu", "--lr 1e-3", "--seed 1",
        "--batch 64", "--coefficient 0.9", "--val-fraction 0.1", "--refit no", "--patience 7",
        "--header no", "--l1 0.5", "--clip 3", "--jacobian-penalty 7", "--columns x2,x1",
        "--na drop", "--activation-first", "--val moons.csv"}) {
    const ProcessResult r = folder.run("iflow fit moons.csv --resume " + option);
    CHECK_MESSAGE(r.exit_code == 2, option);
    CHECK_MESSAGE(contains(r.err, "error: " + option.substr(0, option.find(' ')) + ": "), r.err);
  }
  CHECK(contents(folder / "moons.iflow") == before);
}

TEST_CASE("fit --resume: a checkpoint from before penalties, clip and refit has none of them") {
  const MoonsFolder folder;
  const std::string options = " --l1 0 --jacobian-penalty 0 --refit no" + kSmall;
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + options).exit_code == 0);
  {
    Process fit({"bash", "-c", "exec iflow fit moons.csv --log-every 50" + options},
                {.cwd = folder.path()});
    fit.wait_for_err("step 100/");
    fit.signal(SIGINT);
    REQUIRE(fit.wait().exit_code == 130);
  }
  json old = model_of(folder / "moons.iflow");
  REQUIRE(old["provenance"]["options"].erase("l1") == 1);
  REQUIRE(old["provenance"]["options"].erase("jacobian-penalty") == 1);
  REQUIRE(old["provenance"]["options"].erase("refit") == 1);
  REQUIRE(old["provenance"]["options"].erase("clip") == 1);
  folder.write("moons.iflow/model.json", old.dump(2));
  const ProcessResult refused = folder.run("iflow fit moons.csv --resume --l1 0.1");
  CHECK(refused.exit_code == 2);
  const ProcessResult r = folder.run("iflow fit moons.csv --resume");
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  CHECK(contents(folder / "moons.iflow") == contents(folder / "whole"));
}

TEST_CASE("fit --resume: changed data") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv --val-fraction 0.2" + kSmall).exit_code == 0);
  const ProcessResult r = folder.run(
      "sed '$ s/[1-8]/9/' moons.csv > other.csv;"
      "iflow fit other.csv --resume -o moons.iflow --steps 400");
  CHECK(r.exit_code == 3);
  CHECK(contains(r.err, "error: other.csv: not the data that moons.iflow was fitted on"));
  // Spelled otherwise, the same numbers.
  CHECK(folder
            .run("sed 's/,/\\t/; s/$/ /' moons.csv > same.tsv;"
                 "iflow fit same.tsv --resume -o moons.iflow --steps 400")
            .exit_code == 0);
}

TEST_CASE("fit --resume: a checkpoint that does not say which part was held out") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const ProcessResult r = folder.run(
      "sed -i '/\"val-fraction\"/d' moons.iflow/model.json;"
      "iflow fit moons.csv --resume --steps 400");
  CHECK(r.exit_code == 4);
  CHECK(contains(r.err, "error: moons.iflow: options: val-fraction: missing"));
}

TEST_CASE("fit --resume: with a validation file, which must be given again") {
  const MoonsFolder folder;
  folder.run("iflow toy moons -n 100 --seed 2 -o val.csv; iflow toy moons -n 100 -o other.csv");
  const ProcessResult first = folder.run("iflow fit moons.csv --val val.csv" + kSmall);
  REQUIRE_MESSAGE(first.exit_code == 0, first.err);
  const std::string resume = "iflow fit moons.csv --resume --steps 310 ";
  CHECK(folder.run(resume).exit_code == 2);
  CHECK(folder.run(resume + "--val other.csv").exit_code == 3);
  CHECK(folder.run(resume + "--val val.csv").exit_code == 0);
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
