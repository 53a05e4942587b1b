// What every wrong call of `iflow fit` is told, and with which exit code.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

// Runs a script that must fail with one line, `message` in it, and nothing on stdout.
void check_fails(const MoonsFolder& folder, const std::string& script, int exit_code,
                 const std::string& message) {
  CAPTURE(script);
  const ProcessResult r = folder.run(script);
  CAPTURE(r.err);
  CHECK(r.exit_code == exit_code);
  CHECK(r.out == "");
  CHECK(contains(r.err, "iflow: error: "));
  CHECK(contains(r.err, message));
}

// A table with header a,b of `rows` rows, the last of which is `last`.
std::string table(int rows, const std::string& last = "0.5,0.25") {
  std::string text = "a,b\n";
  for (int i = 1; i < rows; ++i) {
    text += std::to_string(i * 37 % 101) + ".5," + std::to_string(i * 59 % 97) + ".25\n";
  }
  return text + last + "\n";
}

TEST_CASE("contract: wrong command lines end with 2 and a way out") {
  const MoonsFolder folder;
  check_fails(folder, "iflow", 2, "expected a command: ");
  check_fails(folder, "iflow fti moons.csv", 2, "unknown command \"fti\"; did you mean \"fit\"?");
  check_fails(folder, "iflow fit", 2, "DATA is required");
  check_fails(folder, "iflow fit moons.csv --stpes 10", 2,
              "unknown option --stpes; did you mean --steps?");
  check_fails(folder, "iflow fit --block=3 moons.csv", 2, "did you mean --blocks?");
  check_fails(folder, "iflow fit moons.csv more.csv", 2, "unexpected argument \"more.csv\"");
  check_fails(folder, "iflow fit moons.csv --steps", 2, "--steps");
  check_fails(folder, "iflow fit moons.csv --resume --force", 2, "--resume excludes --force");
  check_fails(folder, "iflow fit moons.csv --steps 5 --time 1s", 2, "--steps excludes --time");
  check_fails(folder, "iflow fit moons.csv --val moons.csv --val-fraction 0.5", 2,
              "--val excludes --val-fraction");
  check_fails(folder, "iflow fit moons.csv -o -", 2, "-o: a checkpoint is a directory");
  CHECK_FALSE(std::filesystem::exists(folder / "moons.iflow"));
}

TEST_CASE("contract: values that make no sense end with 2 and name their option") {
  const MoonsFolder folder;
  for (const std::string option : {"--steps 0",
                                   "--steps -1",
                                   "--steps 1.5",
                                   "--steps many",
                                   "--blocks 0",
                                   "--hidden 0",
                                   "--hidden 8,x",
                                   "--activation-start 0",
                                   "--activation-start nan",
                                   "--coefficient 1",
                                   "--coefficient 0",
                                   "--batch 0",
                                   "--lr 0",
                                   "--lr -1",
                                   "--lr nan",
                                   "--lr inf",
                                   "--warmup 1",
                                   "--warmup -0.1",
                                   "--ema 1",
                                   "--l1 -0.1",
                                   "--l1 nan",
                                   "--l1 inf",
                                   "--jacobian-penalty -1",
                                   "--jacobian-penalty inf",
                                   "--clip -1",
                                   "--clip inf",
                                   "--power-iterations 0",
                                   "--validate-every 0",
                                   "--patience -1",
                                   "--val-fraction 0",
                                   "--val-fraction 1",
                                   "--time 0s",
                                   "--time 10",
                                   "--time fast",
                                   "--time -5s",
                                   "--seed -1",
                                   "--seed x",
                                   "--threads 0",
                                   "--log-every 0"}) {
    check_fails(folder, "iflow fit moons.csv " + option, 2, option.substr(0, option.find(' ')));
  }
  check_fails(folder, "iflow fit moons.csv --activation sinus", 2, "did you mean \"sine\"?");
  for (const auto& [option, choices] : std::map<std::string, std::string>{
           {"--model 0", "{glow,iresnet,nice,realnvp,spline}"},  // names alone, not their numbers
           {"--marginal beta", "{gaussian,logit}"},
           {"--probe uniform", "{gaussian,rademacher,unit}"},
           {"--gradient none", "{basic,neumann}"},
           {"--logdet none", "{auto,exact,roulette,series}"},
           {"--refit maybe", "{no,yes}"},
           {"--header maybe", "{auto,no,yes}"},
           {"--na keep", "{drop,error}"}}) {
    const std::size_t space = option.find(' ');
    check_fails(folder, "iflow fit moons.csv " + option, 2,
                option.substr(0, space) + ": " + option.substr(space + 1) + " not in " + choices);
  }
  check_fails(folder, "iflow fit moons.csv --terms 0", 2,
              "--terms: must be auto or a whole number from 1 to 10000, got \"0\"");
  CHECK_FALSE(std::filesystem::exists(folder / "moons.iflow"));
}

TEST_CASE("contract: config files") {
  const MoonsFolder folder;
  const auto check_config = [&](const std::string& text, const std::string& message) {
    folder.write("c.json", text);
    check_fails(folder, "iflow fit moons.csv --config c.json", 2, message);
  };
  check_config(R"({"stesp": 5})", "c.json: unknown option \"stesp\"; did you mean \"steps\"?");
  check_config(R"({"steps": "many"})", "c.json: steps: ");
  check_config(R"({"steps": 0})", "c.json: steps: ");
  check_config(R"({"steps": true})", "c.json: steps: ");
  check_config(R"({"steps": {}})", "c.json: steps: ");
  check_config(R"({"quiet": 1})", "c.json: quiet: expected true or false, got 1");
  check_config(R"({"hidden": [8, [8]]})", "c.json: hidden: ");
  check_config(R"({"config": "c.json"})", "c.json: unknown option \"config\"");
  check_config("[1]", "c.json: expected an object");
  check_config("{\"steps\": 5", "c.json:");
  check_fails(folder, "iflow fit moons.csv --config none.json", 2, "none.json: cannot read");
}

TEST_CASE("contract: data that can't be used ends with 3 and its place") {
  const MoonsFolder folder;
  const auto check_data = [&](const std::string& text, const std::string& message) {
    folder.write("d.csv", text);
    check_fails(folder, "iflow fit d.csv", 3, message);
    CHECK_FALSE(std::filesystem::exists(folder / "d.iflow"));
  };
  check_fails(folder, "iflow fit none.csv", 3, "none.csv: ");
  check_fails(folder, "iflow fit .", 3, ".: ");
  check_data("", "d.csv: no data: the file is empty");
  check_data("a,b\n", "d.csv:1: no data: a header, but no rows");
  check_data(table(20, "1"), "d.csv:21:");
  check_data(table(20, "1,2,3"), "d.csv:21:3: expected 2 fields, got 3");
  check_data(table(20, "1,abc"), "d.csv:21:2: expected a number, got \"abc\"");
  for (const std::string missing : {"", "NA", "nan", "inf", "-inf"}) {
    check_data(table(20, missing + ",2"), "d.csv:21:1: ");
  }
  check_data(table(1), "d.csv: too few rows: a fit of 2 columns needs at least 10, got 1");
  check_data(table(5), "needs at least 10, got 5");
  check_data(table(200, "1,1e30"),
             "d.csv: column \"b\" holds 1e+30 in row 200, while half of the rows");
  std::string constant = "a,b\n", twice = "a,b\n", linear = "a,b\n";
  for (int i = 0; i < 30; ++i) {
    const std::string x = std::to_string(i * 37 % 101) + ".5";
    constant += x + ",7\n";
    twice += x + "," + x + "\n";
    linear += x + "," + std::to_string(i * 37 % 101 * 2) + ".25\n";
  }
  check_data(constant, "d.csv: column \"b\" is constant (7 in each row); drop it with --columns a");
  check_data(twice, "d.csv: column \"b\" is the same as column \"a\"");
  check_data(linear, "d.csv: column \"b\" is a linear function");
  check_data("a,b,name\n1,2,x\n", "name");
  check_fails(folder, "iflow fit moons.csv --columns x1,x3", 3, "no column \"x3\"");
  check_fails(folder, "iflow fit moons.csv --val none.csv", 3, "none.csv: ");
  folder.write("v.csv", "x1,y\n1,2\n");
  check_fails(folder, "iflow fit moons.csv --val v.csv", 3, "v.csv:1: missing 1 column: \"x2\"");
  // the row's number is that in the file, whatever was left out before it
  folder.write("v.csv", "x1,x2\n,1\n1,1e300\n");
  check_fails(folder, "iflow fit moons.csv --na drop --val v.csv", 3,
              "v.csv: row 2 (the header not counted): column \"x2\" is a million");
  CHECK_FALSE(std::filesystem::exists(folder / "moons.iflow"));
}

TEST_CASE("contract: outputs that can't be written end with 1") {
  const MoonsFolder folder;
  check_fails(folder, "iflow fit moons.csv -o none/m.iflow" + kSmall, 1, "none/m.iflow: ");
  check_fails(folder, "iflow fit moons.csv -o moons.csv/m" + kSmall, 1, "moons.csv/m: ");
  check_fails(folder, "iflow fit moons.csv -o moons.csv" + kSmall, 1, "moons.csv: ");
  check_fails(folder, "iflow fit moons.csv -o ." + kSmall, 2, ".: holds other files");
  // No file may grow beyond a kilobyte: the checkpoint's can't be written.
  check_fails(folder, "trap '' XFSZ; ulimit -f 1; iflow fit moons.csv" + kSmall, 1, "moons.iflow/");
  CHECK_FALSE(std::filesystem::exists(folder / "moons.iflow/model.json"));
  const ProcessResult full = folder.run("iflow fit moons.csv --json > /dev/full" + kSmall);
  CHECK(full.exit_code == 1);
  CHECK(contains(full.err, "error: <stdout>: "));
}

TEST_CASE("contract: a full disk in the middle of an extension leaves the checkpoint before it") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv" + kSmall).exit_code == 0);
  const auto before = contents(folder / "moons.iflow");
  check_fails(folder, "trap '' XFSZ; ulimit -f 8; iflow fit moons.csv --resume --steps 400 --quiet",
              1, "moons.iflow/");
  CHECK(contents(folder / "moons.iflow") == before);
  CHECK(folder.run("iflow fit moons.csv --resume --steps 400").exit_code == 0);
}

TEST_CASE("contract: checkpoints that can't be resumed end with 4 and are left as they are") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv -o good" + kSmall).exit_code == 0);
  const auto check_damaged = [&](const std::string& damage, const std::string& message) {
    REQUIRE(folder.run("rm -rf bad; cp -r good bad; cd bad; " + damage).exit_code == 0);
    const auto before = contents(folder / "bad");
    check_fails(folder, "iflow fit moons.csv --resume --steps 400 -o bad", 4, "bad");
    check_fails(folder, "iflow fit moons.csv --resume --steps 400 -o bad", 4, message);
    CHECK(contents(folder / "bad") == before);
  };
  check_fails(folder, "iflow fit moons.csv --resume", 4, "moons.iflow");
  check_damaged("truncate -s -120 training-*", "training file is 120 bytes short");
  check_damaged("truncate -s -1 weights-*", "weights file is 1 bytes short");
  check_damaged("printf x | dd of=$(ls training-*) bs=1 seek=9000 conv=notrunc 2> /dev/null",
                "doesn't match its checksum");
  check_damaged("rm training-*", "training file is missing");
  check_damaged("rm weights-*", "weights file is missing");
  check_damaged("rm model.json", "model.json");
  check_damaged("truncate -s 500 model.json", "model.json");
  check_damaged("sed -i 's/\"format_version\": 2/\"format_version\": 99/' model.json", "99");
  check_damaged("sed -i 's/\"batch\":/\"bat\":/' model.json", "options: batch: missing");
  check_damaged("sed -i 's/\"lr\":/\"rate\":/' model.json", "options: lr: missing");
}

TEST_CASE("contract: a reader of the result that goes away ends the program quietly") {
  const MoonsFolder folder;
  const ProcessResult r =
      folder.run("iflow fit moons.csv --json --quiet" + kSmall + "| true; echo ${PIPESTATUS[0]}");
  CHECK(r.err == "");
  CHECK(r.out == "141\n");
}

TEST_CASE("contract: help and version") {
  const MoonsFolder folder;
  const ProcessResult help = folder.run("iflow fit --help");
  CHECK(help.exit_code == 0);
  CHECK(help.err == "");
  CHECK(contains(help.out, "Example: "));
  const ProcessResult version = folder.run("iflow --version");
  CHECK(version.exit_code == 0);
  CHECK(contains(version.out, "iflow "));
  CHECK(contains(version.out, "checkpoint format "));
  CHECK(folder.run("iflow fit --version").out == version.out);
}

}  // namespace
}  // namespace iflow::test
