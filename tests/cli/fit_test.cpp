// fit: what it makes of its data and options.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

TEST_CASE("fit: the checkpoint stands beside the data, the summary on stderr") {
  const MoonsFolder folder;
  const ProcessResult r = folder.run("iflow fit moons.csv" + kSmall);
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  CHECK(r.out == "");
  CHECK(contains(r.err, "moons.iflow: -"));
  CHECK(contains(r.err, " nats per held-out row (100 rows; a Gaussian has -"));
  CHECK(contains(r.err, "best at step "));
  const json model = model_of(folder / "moons.iflow");
  CHECK(model["data"]["training_rows"] == 400);
  CHECK(model["data"]["validation_rows"] == 100);
  CHECK(model["history"]["step"] == 300);
  CHECK(model["provenance"]["options"]["hidden"] == json{16, 16});
  // log.jsonl: the start, then a line a validation; the same of the refit.
  const std::string log = folder.read("moons.iflow/log.jsonl");
  CHECK(json::parse(log.substr(0, log.find('\n')))["event"] == "start");
  const auto lines = std::count(log.begin(), log.end(), '\n');
  CHECK(lines ==
        static_cast<long>(model["history"]["points"].size() + model["refit"]["points"].size()));
}

TEST_CASE("fit: names of default checkpoints") {
  const MoonsFolder folder;
  const std::string fast = " --blocks 1 --hidden 4 --steps 2 --quiet ";
  CHECK(folder.run("gzip -k moons.csv && iflow fit moons.csv.gz" + fast).exit_code == 0);
  CHECK(std::filesystem::exists(folder / "moons.iflow/model.json"));
  CHECK(folder.run("iflow fit - < moons.csv" + fast).exit_code == 0);
  CHECK(std::filesystem::exists(folder / "model.iflow/model.json"));
  CHECK(folder.run("iflow fit moons.csv -o other" + fast).exit_code == 0);
  CHECK(std::filesystem::exists(folder / "other/model.json"));
  // The same rows, however they came.
  CHECK(contents(folder / "moons.iflow") == contents(folder / "model.iflow"));
  CHECK(contents(folder / "moons.iflow") == contents(folder / "other"));
}

TEST_CASE("fit --json: the fields, and that they are true") {
  const MoonsFolder folder;
  const ProcessResult r = folder.run("iflow fit moons.csv --json --quiet" + kSmall);
  CHECK(r.exit_code == 0);
  CHECK(r.err == "");
  const json result = json::parse(r.out);
  const json model = model_of(folder / "moons.iflow");
  CHECK(result["checkpoint"] == "moons.iflow");
  CHECK(result["steps"] == 300);
  CHECK(result["planned_steps"] == 300);
  CHECK(result["stopped_early"] == false);
  CHECK(result["columns"] == json{"x1", "x2"});
  CHECK(result["rows"] == 500);
  CHECK(result["best_step"] == model["history"]["best_step"]);
  CHECK(result["validation"]["mean"].get<double>() ==
        doctest::Approx(-model["history"]["best_loss"].get<double>()).epsilon(1e-12));
  CHECK(result["validation"]["se"] > 0);
  CHECK(result["seconds"] > 0);
  // A flow has learned something that a Gaussian can't say.
  CHECK(result["validation"]["mean"] > result["gaussian"]["mean"].get<double>() + 0.3);
  const std::string help = folder.run("iflow fit --help").out;
  for (const auto& field : result.items()) CHECK_MESSAGE(contains(help, field.key()), field.key());
}

TEST_CASE("fit: standardised by mean and deviation of the training rows") {
  const MoonsFolder folder;
  folder.run("(echo x; seq 1 40) > train.csv; (echo x; seq 100.5 120.5) > val.csv");
  const ProcessResult r = folder.run(
      "iflow fit train.csv --val val.csv --continuous x --blocks 1 --hidden 4 --steps 2 "
      "--quiet");
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  const json model = model_of(folder / "train.iflow");
  const json standardise = model["flow"]["layers"][0];
  CHECK(standardise["kind"] == "standardise");
  CHECK(standardise["mean"][0].get<double>() == doctest::Approx(20.5));
  CHECK(standardise["deviation"][0].get<double>() == doctest::Approx(std::sqrt(1599.0 / 12)));
  CHECK(model["data"]["training_rows"] == 40);
  CHECK(model["data"]["validation_rows"] == 21);
}

TEST_CASE("fit: the same bytes for any number of threads") {
  const MoonsFolder folder;
  for (const std::string penalty : {"", " --l1 0.1", " --clip 1", " --jacobian-penalty 0.5"}) {
    const std::string options = kSmall + "--force" + penalty;
    CHECK(folder.run("iflow fit moons.csv --threads 1 -o one" + options).exit_code == 0);
    CHECK(folder.run("iflow fit moons.csv --threads 2 -o two" + options).exit_code == 0);
    CHECK(contents(folder / "one") == contents(folder / "two"));
  }
  CHECK(folder.run("iflow fit moons.csv --seed 1 -o other" + kSmall).exit_code == 0);
  CHECK(contents(folder / "one") != contents(folder / "other"));
}

TEST_CASE("fit --time: keeps the time; the recorded plan gives the same bytes") {
  const MoonsFolder folder;
  // Processor time of one thread: other programs can't add to it, but they slow it down where they
  // come to share its core after the speed was measured. So it is the quickest of three that keeps
  // the time. How many steps it allows, and with them whether a step diverges, the machine decides:
  // warnings go elsewhere.
  const auto fit = [&] {
    const ProcessResult r = folder.run(
        "TIMEFORMAT='%U %S';"
        "time iflow fit moons.csv --time 2s --blocks 4 --hidden 16,16 --threads 1 --quiet --force "
        "2> warnings");
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    double user = 0, system = 0;
    std::istringstream(r.err) >> user >> system;
    CHECK(user > 0);
    return user + system;
  };
#ifdef __SANITIZE_ADDRESS__
  constexpr double kSeconds = 2.3;  // the sanitizer's start, allocator and search for leaks
#else
  constexpr double kSeconds = 2;
#endif
  double quickest = fit();
  for (int again = 0; again < 2 && quickest >= kSeconds; ++again) {
    quickest = std::min(quickest, fit());
  }
  CHECK(quickest < kSeconds);
  const json steps = model_of(folder / "moons.iflow")["provenance"]["options"]["steps"];
  CHECK(steps > 10);
  CHECK(folder.run("iflow fit moons.csv -o again --blocks 4 --hidden 16,16 --steps " + steps.dump())
            .exit_code == 0);
  CHECK(contents(folder / "moons.iflow") == contents(folder / "again"));
}

TEST_CASE("fit --config: the file sets options, the command line wins, the record can be one") {
  const MoonsFolder folder;
  folder.write("small.json",
               R"({"blocks": 2, "hidden": [8, 8], "steps": 20, "lr": 1e-3, "quiet": true})");
  const ProcessResult r = folder.run("iflow fit moons.csv --config small.json --steps 10");
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  CHECK(r.err == "");
  const json options = model_of(folder / "moons.iflow")["provenance"]["options"];
  CHECK(options["steps"] == 10);
  CHECK(options["blocks"] == 2);
  CHECK(options["hidden"] == json{8, 8});
  CHECK(options["lr"] == 1e-3);
  folder.write("record.json", options.dump());
  CHECK(folder.run("iflow fit moons.csv -o again --config record.json").exit_code == 0);
  CHECK(contents(folder / "moons.iflow") == contents(folder / "again"));
}

TEST_CASE("fit: says what is peculiar about the data, and which rows it dropped") {
  const MoonsFolder folder;
  folder.run(
      "(echo a,b,n; tail -n +2 moons.csv | awk -F, '{print $1 \",\" $2 \",\" NR % 7}';"
      " echo 1,,3) > odd.csv");
  const std::string fast = " --blocks 1 --hidden 4 --steps 2 ";
  const ProcessResult r = folder.run("iflow fit odd.csv --na drop" + fast);
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  CHECK(contains(r.err, "warning: odd.csv: column \"n\": integers only"));
  CHECK(contains(r.err, "warning: odd.csv: dropped 1 row with missing values"));
  const ProcessResult chosen =
      folder.run("iflow fit odd.csv --na drop --columns b,a -o ba --quiet" + fast);
  CHECK(chosen.exit_code == 0);
  CHECK(model_of(folder / "ba")["data"]["columns"] == json{"b", "a"});
  CHECK_FALSE(contains(chosen.err, "integers"));
}

TEST_CASE("fit --memory: told before the first step, with the same checkpoint") {
  const MoonsFolder folder;
  const ProcessResult r =
      folder.run("iflow fit moons.csv --memory --log-every 100 --threads 1" + kSmall);
  REQUIRE(r.exit_code == 0);
  const std::size_t at = r.err.find("memory: ");
  REQUIRE(at != std::string::npos);
  CHECK(contains(r.err, " for a step of 128 rows on 1 thread, however many terms"));
  CHECK(at < r.err.find("step 100/300"));
  CHECK(folder.run("iflow fit moons.csv -o silent" + kSmall).exit_code == 0);
  CHECK(contents(folder / "moons.iflow") == contents(folder / "silent"));
  CHECK(folder.run("iflow fit moons.csv --resume --memory --steps 320").exit_code == 0);
}

TEST_CASE("fit --log-every: plain lines of progress without a terminal") {
  const MoonsFolder folder;
  const ProcessResult r = folder.run("iflow fit moons.csv --log-every 100" + kSmall);
  CHECK(contains(r.err, "step 100/300  loss "));
  CHECK(contains(r.err, "  validation "));
  CHECK(contains(r.err, " steps/s  "));
  CHECK(contains(r.err, "\nstep 200/300  loss "));
  CHECK_FALSE(contains(r.err, "\r"));
  CHECK_FALSE(contains(r.err, "\033"));
}

TEST_CASE("fit: one line that updates on a terminal") {
  const MoonsFolder folder;
  const auto on_terminal = [&](const std::string& setting) {
    return folder
        .run(setting + " script -qec 'iflow fit moons.csv --force" + kSmall + "' /dev/null")
        .out;
  };
  CHECK(contains(on_terminal("TERM=xterm"), "\r\033[Kstep "));
  CHECK_FALSE(contains(on_terminal("TERM=dumb"), "\033"));
}

}  // namespace
}  // namespace iflow::test
