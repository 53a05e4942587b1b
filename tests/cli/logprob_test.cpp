#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/mean_and_error.h"
#include "cli/moons_model.h"

namespace iflow::test {
namespace {

TEST_CASE("logprob: the density integrates to 1") {
  // Midpoints of the cells of a grid far wider than the moons.
  constexpr double kReach = 7, kStep = 0.04;
  std::string grid = "x1,x2\n";
  for (double x = -kReach + kStep / 2; x < kReach; x += kStep) {
    for (double y = -kReach + kStep / 2; y < kReach; y += kStep) {
      grid += std::to_string(x) + "," + std::to_string(y) + "\n";
    }
  }
  moons_folder().write("grid.csv", grid);
  double mass = 0;
  for (const auto& row : numbers_of(output_of("iflow logprob moons.iflow grid.csv"))) {
    mass += std::exp(row[0]) * kStep * kStep;
  }
  CHECK(std::abs(mass - 1) < 0.005);
}

TEST_CASE("logprob: better than a Gaussian, no better than the truth") {
  const auto mean_of = [](const std::string& command) {
    return mean_and_error(column_of(numbers_of(output_of(command)), 0));
  };
  const MeanAndError model = mean_of("iflow logprob moons.iflow heldout.csv");
  const MeanAndError truth = mean_of("iflow toy moons --logprob heldout.csv");
  CHECK(model.mean < truth.mean);
  CHECK(model.mean > truth.mean - 0.5);  // a Gaussian is 0.8 below the truth
}

TEST_CASE("logprob: threads and splits don't change a bit") {
  const std::string whole = output_of("iflow logprob moons.iflow heldout.csv");
  CHECK(lines_of(whole).size() == 501);
  CHECK(output_of("iflow logprob moons.iflow heldout.csv --threads 1") == whole);
  CHECK(output_of("iflow logprob moons.iflow heldout.csv --threads 2") == whole);
  CHECK(output_of("cat heldout.csv | iflow logprob moons.iflow") == whole);
  CHECK(output_of("gzip -c heldout.csv | iflow logprob moons.iflow -") == whole);
  CHECK("logprob\n" + output_of("tail -n +2 heldout.csv | split -l 37 --filter="
                                "'iflow logprob moons.iflow -'") ==
        whole);
}

TEST_CASE("logprob: long inputs, read in many chunks, too") {
  output_of("iflow toy moons -n 30000 -o long.csv");
  const std::string whole = output_of("iflow logprob moons.iflow long.csv");
  CHECK(lines_of(whole).size() == 30001);
  CHECK("logprob\n" + output_of("tail -n +2 long.csv | split -l 7001 --filter="
                                "'iflow logprob moons.iflow -'") ==
        whole);
}

TEST_CASE("logprob: columns are found by name, in any order, with others kept") {
  moons_folder().write("swapped.csv", "x2,id,x1\n0.5,\"a,b\",-1\n-0.25,7,1\n");
  moons_folder().write("straight.csv", "x1,x2\n-1,0.5\n1,-0.25\n");
  moons_folder().write("bare.csv", "-1,0.5\n1,-0.25\n");
  const auto straight = lines_of(output_of("iflow logprob moons.iflow straight.csv"));
  REQUIRE(straight.size() == 3);
  CHECK(straight[0] == "logprob");
  CHECK(output_of("iflow logprob moons.iflow swapped.csv --keep id") ==
        "logprob,id\n" + straight[1] + ",\"a,b\"\n" + straight[2] + ",7\n");
  CHECK(output_of("iflow logprob moons.iflow swapped.csv --columns x1,x2") ==
        output_of("iflow logprob moons.iflow straight.csv"));
  // Without names, by number, and without a header on the way out.
  CHECK(output_of("iflow logprob moons.iflow bare.csv") == straight[1] + "\n" + straight[2] + "\n");
  CHECK(output_of("iflow logprob moons.iflow --header no bare.csv") ==
        straight[1] + "\n" + straight[2] + "\n");
}

TEST_CASE("logprob: .npy in, a file out") {
  output_of("iflow toy moons -n 50 -o x.npy; iflow toy moons -n 50 -o x.csv");
  output_of("iflow logprob moons.iflow x.npy -o from_npy.csv");
  output_of("iflow logprob moons.iflow x.csv -o from_csv.csv");
  CHECK(moons_folder().read("from_csv.csv") == "logprob\n" + moons_folder().read("from_npy.csv"));
}

TEST_CASE("logprob: --mean is the mean of the rows and its standard error") {
  const MeanAndError rows =
      mean_and_error(column_of(numbers_of(output_of("iflow logprob moons.iflow heldout.csv")), 0));
  const std::string csv = output_of("iflow logprob moons.iflow heldout.csv --mean");
  CHECK(csv.starts_with("mean,se\n"));
  const auto mean = numbers_of(csv);
  REQUIRE(mean.size() == 1);
  REQUIRE(mean[0].size() == 2);
  CHECK(mean[0][0] == doctest::Approx(rows.mean).epsilon(1e-12));
  CHECK(mean[0][1] == doctest::Approx(rows.standard_error).epsilon(1e-10));
  const auto json =
      nlohmann::json::parse(output_of("iflow logprob moons.iflow heldout.csv --mean --json"));
  CHECK(json.at("mean") == mean[0][0]);
  CHECK(json.at("se") == mean[0][1]);
  CHECK(lines_of(output_of("tail -n +2 heldout.csv | iflow logprob moons.iflow --mean")) ==
        std::vector<std::string>{lines_of(csv)[1]});
  CHECK(contains(output_of("head -2 heldout.csv | iflow logprob moons.iflow --mean"), ",NA\n"));
}

TEST_CASE("logprob: missing values are errors, or dropped and answered with NA") {
  moons_folder().write("na.csv", "x1,x2,id\n-1,0.5,a\n,1,b\n1,nan,c\n1,-0.25,d\n");
  const ProcessResult refused = in_moons_folder("iflow logprob moons.iflow na.csv --keep id");
  CHECK(refused.exit_code == 3);
  CHECK(contains(refused.err, "na.csv:3:1"));
  const ProcessResult r = in_moons_folder("iflow logprob moons.iflow na.csv --keep id --na drop");
  CHECK(r.exit_code == 0);
  const auto lines = lines_of(r.out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[2] == "NA,b");
  CHECK(lines[3] == "NA,c");
  CHECK(lines[4].ends_with(",d"));
  CHECK(contains(r.err, "dropped 2 of 4 rows"));
  const auto json =
      lines_of(in_moons_folder("iflow logprob moons.iflow na.csv --keep id --na drop --json").out);
  REQUIRE(json.size() == 4);
  CHECK(nlohmann::json::parse(json[1]) == nlohmann::json{{"logprob", nullptr}, {"id", "b"}});
  CHECK(nlohmann::json::parse(json[3]).at("logprob").get<double>() ==
        std::stod(lines[4].substr(0, lines[4].find(','))));
  moons_folder().write("all_na.csv", "x1,x2\nNA,1\n");
  CHECK(in_moons_folder("iflow logprob moons.iflow all_na.csv --na drop").out == "logprob\nNA\n");
  CHECK(in_moons_folder("iflow logprob moons.iflow all_na.csv --na drop --mean").exit_code == 3);
}

TEST_CASE("logprob: rows far beyond the data are told, not passed over") {
  moons_folder().write("far.csv", "x1,x2\n0,0\n1e200,0\n");
  const ProcessResult infinite = in_moons_folder("iflow logprob moons.iflow far.csv");
  CHECK(infinite.exit_code == 0);
  CHECK(infinite.out.ends_with("\n-inf\n"));
  CHECK(contains(infinite.err, "1 row has an infinite log-density"));
  CHECK(in_moons_folder("iflow logprob moons.iflow far.csv --mean").out == "mean,se\n-inf,NA\n");

  moons_folder().write("too_far.csv", "x1,x2\nNA,1\n0,0\n1.7e308,-1.7e308\n");
  const ProcessResult nan = in_moons_folder("iflow logprob moons.iflow too_far.csv --na drop");
  CHECK(nan.exit_code == 1);
  CHECK(contains(nan.err, "too_far.csv: row 3 "));
}

TEST_CASE("logprob: wrong columns are named") {
  const auto expect_data_error = [](const std::string& csv, const std::string& hint) {
    moons_folder().write("wrong.csv", csv);
    const ProcessResult r = in_moons_folder("iflow logprob moons.iflow wrong.csv");
    CHECK(r.exit_code == 3);
    CHECK(r.out == "");
    CHECK_MESSAGE(contains(r.err, hint), r.err);
  };
  expect_data_error("x1,x3\n1,2\n", "\"x2\"");
  expect_data_error("x1,x2,height\n1,2,3\n", "\"height\"");
  expect_data_error("1,2,3\n", "expected 2 columns");
  expect_data_error("x1,x2\n1,abc\n", "wrong.csv:2:2: expected a number, got \"abc\"");
  expect_data_error("x1,x2\n1\n", "wrong.csv:2:2");
  expect_data_error("x1,x2\n", "no data");
  expect_data_error("", "no data");
}

TEST_CASE("logprob: exit codes of what is missing, broken or in the way") {
  const auto exit_code = [](const std::string& script) {
    return in_moons_folder(script).exit_code;
  };
  CHECK(exit_code("iflow logprob none.iflow heldout.csv") == 4);
  CHECK(exit_code("iflow logprob moons.csv heldout.csv") == 4);
  CHECK(exit_code("iflow logprob moons.iflow none.csv") == 3);
  CHECK(exit_code("iflow logprob") == 2);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv --bogus") == 2);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv extra") == 2);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv --mean --keep x1") == 2);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv --threads 0") == 2);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv -o z.npy") == 2);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv -o no/where.csv") == 1);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv > /dev/full") == 1);
  CHECK(exit_code("iflow logprob moons.iflow heldout.csv -o /dev/full") == 1);
  CHECK(in_moons_folder("iflow logprob moons.iflow long.csv | head -1 > /dev/null;"
                        "echo ${PIPESTATUS[0]}")
            .out == "141\n");
}

TEST_CASE("logprob: an output can't be opened: known before the input is read") {
  Process process({iflow_executable().string(), "logprob",
                   (moons_folder() / "moons.iflow").string(), "-", "-o",
                   (moons_folder() / "no/where.csv").string()});
  CHECK(process.wait().exit_code == 1);
}

TEST_CASE("logprob: a failure leaves the old output alone") {
  moons_folder().write("old.csv", "precious\n");
  moons_folder().write("broken.csv", "x1,x2\n0,0\n0,oops\n");
  CHECK(in_moons_folder("iflow logprob moons.iflow broken.csv -o old.csv").exit_code == 3);
  CHECK(moons_folder().read("old.csv") == "precious\n");
}

TEST_CASE("logprob: a damaged checkpoint ends with 4 and its name") {
  output_of(
      "rm -rf broken.iflow; cp -r moons.iflow broken.iflow; chmod u+w broken.iflow/*;"
      "truncate -s -120 broken.iflow/weights-*");
  const ProcessResult r = in_moons_folder("iflow logprob broken.iflow heldout.csv");
  CHECK(r.exit_code == 4);
  CHECK(contains(r.err, "broken.iflow"));
  CHECK(r.out == "");
}

TEST_CASE("logprob: with a terminal on stdin and no file, a short help") {
  // `script` gives the program a terminal.
  const ProcessResult r =
      in_moons_folder("script -qec 'iflow logprob moons.iflow' /dev/null < /dev/null");
  CHECK(r.exit_code == 2);
  CHECK(contains(r.out, "Example: iflow logprob"));
  CHECK(contains(r.out, "iflow logprob --help"));
}

}  // namespace
}  // namespace iflow::test
