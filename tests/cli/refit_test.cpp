// fit: the refit to all rows.
#include <doctest/doctest.h>
#include <signal.h>

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
