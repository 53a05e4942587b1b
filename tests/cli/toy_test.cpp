#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/mean_and_error.h"
#include "cli/moons_model.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace iflow::test {
namespace {

const std::vector<std::string> kNames = {"moons",    "circles",  "rings",        "8gaussians",
                                         "pinwheel", "2spirals", "checkerboard", "swissroll"};

TEST_CASE("toy: a header and as many rows as asked for; a longer sample begins with a shorter") {
  const std::string five = run_iflow({"toy", "moons", "-n", "5"}).out;
  const std::string many = run_iflow({"toy", "moons", "-n", "20000"}).out;
  CHECK(five.starts_with("x1,x2\n"));
  CHECK(lines_of(five).size() == 6);
  CHECK(lines_of(many).size() == 20001);
  CHECK(many.starts_with(five));
}

TEST_CASE("toy: the seed and the name matter, the threads don't") {
  const std::string once = run_iflow({"toy", "moons", "-n", "5"}).out;
  CHECK(run_iflow({"toy", "moons", "-n", "5", "--threads", "1"}).out == once);
  CHECK(run_iflow({"toy", "moons", "-n", "5", "--seed", "1"}).out != once);
  CHECK(run_iflow({"toy", "circles", "-n", "5"}).out != once);
}

TEST_CASE("toy: the mean of -ln p over a sample is the entropy") {
  for (const std::string& name : kNames) {
    CAPTURE(name);
    const ProcessResult r =
        run_shell("iflow toy " + name + " -n 4000 | iflow toy " + name + " --logprob -");
    CHECK(r.exit_code == 0);
    CHECK(r.err == "");
    CHECK(r.out.starts_with("logprob\n"));
    const std::vector<double> log_p = column_of(numbers_of(r.out), 0);
    REQUIRE(log_p.size() == 4000);
    const MeanAndError mean = mean_and_error(log_p);
    const double entropy = std::stod(run_iflow({"toy", name, "--entropy"}).out);
    // The checkerboard's is constant: nothing to average, only rounding.
    CHECK(std::abs(mean.mean + entropy) < 4 * mean.standard_error + 1e-8);
  }
}

TEST_CASE("toy: TSV, .npy and JSON hold the same numbers as CSV") {
  const TempDir dir;
  const std::string csv = run_iflow({"toy", "rings", "-n", "3"}).out;
  const ProcessResult r = run_shell(
      "iflow toy rings -n 3 -o a.tsv; iflow toy rings -n 3 -o a.npy;"
      "iflow toy rings --logprob a.tsv > tsv.txt; iflow toy rings --logprob a.npy > npy.txt;"
      "iflow toy rings -n 3 | iflow toy rings --logprob -",
      {.cwd = dir.path()});
  CHECK(r.err == "");
  CHECK(dir.read("a.tsv").starts_with("x1\tx2\n"));
  CHECK(dir.read("tsv.txt") == r.out);
  CHECK("logprob\n" + dir.read("npy.txt") == r.out);  // .npy has no header, so neither has this
  const auto rows = numbers_of(csv);
  const auto lines = lines_of(run_iflow({"toy", "rings", "-n", "3", "--json"}).out);
  REQUIRE(lines.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto object = nlohmann::json::parse(lines[i]);
    CHECK(object.size() == 2);
    CHECK(object.at("x1") == rows[i][0]);
    CHECK(object.at("x2") == rows[i][1]);
  }
}

TEST_CASE("toy: --entropy as JSON") {
  const auto json = nlohmann::json::parse(run_iflow({"toy", "moons", "--entropy", "--json"}).out);
  CHECK(json.at("name") == "moons");
  CHECK(json.at("entropy").get<double>() ==
        doctest::Approx(std::stod(run_iflow({"toy", "moons", "--entropy"}).out)).epsilon(1e-9));
}

TEST_CASE("toy: columns by name, kept columns, dropped rows, densities of zero") {
  const ProcessResult swapped =
      run_iflow({"toy", "moons", "--logprob", "-"}, {.stdin_text = "x2,x1\n0.5,-1\n"});
  const ProcessResult straight =
      run_iflow({"toy", "moons", "--logprob", "-"}, {.stdin_text = "x1,x2\n-1,0.5\n"});
  CHECK(swapped.out == straight.out);
  CHECK(swapped.exit_code == 0);

  const ProcessResult r =
      run_iflow({"toy", "checkerboard", "--logprob", "-", "--na", "drop", "--keep", "id"},
                {.stdin_text = "id,x1,x2\na,0.5,0.5\n\"b,c\",NA,1\nd,100,100\n"});
  CHECK(r.exit_code == 0);
  CHECK(contains(r.out, "logprob,id\n"));
  CHECK(contains(r.out, "\nNA,\"b,c\"\n-inf,d\n"));
  CHECK(contains(r.err, "dropped 1 of 3 rows"));
  CHECK(contains(r.err, "1 row has an infinite log-density"));
}

TEST_CASE("toy: wrong command lines end with 2 and the way out") {
  const auto expect_usage = [](const std::vector<std::string>& arguments, const std::string& hint) {
    const ProcessResult r = run_iflow(arguments);
    CHECK(r.exit_code == 2);
    CHECK(r.out == "");
    CHECK_MESSAGE(contains(r.err, hint), r.err);
  };
  expect_usage({"toy", "moon", "-n", "5"}, "moons");
  expect_usage({"toy", "moons"}, "-n");
  expect_usage({"toy", "moons", "-n", "0"}, "must be a whole number from 1");
  expect_usage({"toy", "moons", "-n", "1e3"}, "must be a whole number from 1");
  expect_usage({"toy", "moons", "-n", "010"}, "must be a whole number from 1");
  expect_usage({"toy", "moons", "-n", "-5"}, "must be a whole number from 1");
  expect_usage({"toy", "-n", "5"}, "NAME");
  expect_usage({"toy", "moons", "-n", "5", "--entropy"}, "--entropy");
  expect_usage({"toy", "moons", "-n", "5", "--logprob", "x.csv"}, "--logprob");
  expect_usage({"toy", "moons", "--entropy", "--seed", "1"}, "--seed");
  expect_usage({"toy", "moons", "-n", "5", "--na", "drop"}, "--na");
  expect_usage({"toy", "moons", "-n", "5", "--json", "-o", "x.npy"}, ".npy");
  expect_usage({"toy", "moons", "--logprob", "x.csv", "-o", "x.npy"}, ".npy");
}

TEST_CASE("toy: outputs that can't be written end with 1, a missing table with 3") {
  const TempDir dir;
  CHECK(run_iflow({"toy", "moons", "-n", "100", "-o", (dir / "no/x.csv").string()}).exit_code == 1);
  CHECK(run_iflow({"toy", "moons", "-n", "100", "-o", dir.path().string()}).exit_code == 1);
  const ProcessResult full = run_shell("iflow toy moons -n 100 > /dev/full");
  CHECK(full.exit_code == 1);
  CHECK(contains(full.err, "No space left"));
  CHECK(run_iflow({"toy", "moons", "--entropy", "--logprob", "x"}).exit_code == 2);
  CHECK(run_iflow({"toy", "moons", "--logprob", (dir / "none.csv").string()}).exit_code == 3);
}

TEST_CASE("toy: a reader that goes away ends it quietly") {
  const ProcessResult r = run_shell("iflow toy moons -n 1000000 | head -1; echo ${PIPESTATUS[0]}");
  CHECK(r.out == "x1,x2\n141\n");
  CHECK(r.err == "");
}

}  // namespace
}  // namespace iflow::test
