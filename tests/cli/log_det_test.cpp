// The estimators of the log-determinant through the built program.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

// Numbers of a CSV with a header, row by row.
std::vector<std::vector<double>> numbers(const std::string& csv) {
  std::vector<std::vector<double>> rows;
  std::istringstream lines(csv);
  std::string line, field;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    rows.emplace_back();
    std::istringstream fields(line);
    while (std::getline(fields, field, ',')) rows.back().push_back(std::stod(field));
  }
  return rows;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// A folder with 2-D data and an exactly trained model.
struct Folder : MoonsFolder {
  Folder() { run("iflow fit moons.csv --quiet --steps 40 --blocks 3 --hidden 8"); }
};

TEST_CASE("logprob: an estimate comes with its standard error and bound, and they hold") {
  const Folder folder;
  const auto exact = numbers(folder.run("iflow logprob moons.iflow moons.csv").out);
  const ProcessResult series =
      folder.run("iflow logprob moons.iflow moons.csv --logdet series --probes 64");
  CHECK(series.exit_code == 0);
  CHECK(first_line(series.out) == "logprob,se,bound");
  const auto rows = numbers(series.out);
  REQUIRE(rows.size() == exact.size());
  double chi_squared = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i][2] <= 0.001);
    CHECK(rows[i][1] > 0);
    chi_squared += std::pow((rows[i][0] - exact[i][0]) / (rows[i][1] + rows[i][2]), 2);
  }
  CHECK(chi_squared / static_cast<double>(rows.size()) < 1.5);

  const auto unit = numbers(
      folder.run("iflow logprob moons.iflow moons.csv --logdet series --probe unit --terms 3").out);
  for (std::size_t i = 0; i < unit.size(); ++i) {
    CHECK(std::fabs(unit[i][0] - exact[i][0]) <= unit[i][2] + 1e-10);
  }
  const auto roulette =
      numbers(folder.run("iflow logprob moons.iflow moons.csv --logdet roulette").out);
  CHECK(roulette[0][2] == 0);
}

TEST_CASE("logprob: an estimate depends on the row's number alone") {
  const Folder folder;
  const std::string options = " --logdet series --max-se 0.1";
  const ProcessResult all = folder.run("iflow logprob moons.iflow moons.csv --threads 2" + options);
  CHECK(folder.run("iflow logprob moons.iflow moons.csv --threads 1" + options).out == all.out);
  const ProcessResult parts = folder.run(
      "head -n 201 moons.csv > a.csv; (head -n 1 moons.csv; tail -n +202 moons.csv) > b.csv;"
      "iflow logprob moons.iflow a.csv" +
      options + "; iflow logprob moons.iflow b.csv --first-row 200" + options + " | tail -n +2");
  CHECK(parts.out == all.out);
  CHECK(folder.run("iflow logprob moons.iflow moons.csv --seed 1" + options).out != all.out);
}

TEST_CASE("logprob: a standard error that can't be had is exit code 5, the output complete") {
  const Folder folder;
  const ProcessResult missed =
      folder.run("head -n 5 moons.csv | iflow logprob moons.iflow - --logdet series --max-se 1e-9");
  CHECK(missed.exit_code == 5);
  CHECK(numbers(missed.out).size() == 4);
  CHECK(missed.err.find("standard error above --max-se") != std::string::npos);
}

TEST_CASE("log-determinant options that contradict each other are usage errors") {
  const Folder folder;
  for (const char* options :
       {"--logdet exact --probes 4", "--terms 0", "--terms x", "--probes 1 --logdet series",
        "--logdet serie", "--continuation 1 --logdet roulette", "--continuation 0.5",
        "--logdet series --terms 5 --max-bound 1", "--max-se 0", "--probes 4 --max-se 1",
        "--logdet roulette --max-bound 1"}) {
    INFO(options);
    const ProcessResult result =
        folder.run(std::string("iflow logprob moons.iflow moons.csv ") + options);
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK(!result.err.empty());
  }
  for (const char* options :
       {"--logdet exact --terms 4", "--terms 0 --logdet series", "--probes 2",
        "--logdet series --continuation 0.5", "--logdet series --jacobian-penalty 0.1",
        "--logdet roulette --jacobian-penalty 0.1", "--logdet none", "--gradient neuman"}) {
    INFO(options);
    CHECK(
        folder.run(std::string("iflow fit moons.csv -o x.iflow --steps 1 ") + options).exit_code ==
        2);
  }
}

TEST_CASE("fit: every way to find the log-determinant trains, records itself and resumes") {
  const Folder folder;
  for (const char* options : {"--logdet roulette", "--logdet series --terms auto --probe gaussian",
                              "--logdet roulette --gradient basic --probes 2"}) {
    INFO(options);
    const std::string fit =
        std::string("iflow fit moons.csv --quiet --blocks 3 --hidden 8 ") + options;
    CHECK(folder.run(fit + " --steps 30 -o whole --threads 2 --force").exit_code == 0);
    CHECK(folder.run(fit + " --steps 10 -o parts --threads 1 --force").exit_code == 0);
    CHECK(folder.run(fit + " --steps 30 -o twin --threads 1 --force").exit_code == 0);
    CHECK(folder
              .run("for f in whole/*; do case $f in *log.jsonl) ;; *) cmp $f twin/${f#whole/} || "
                   "exit 1;; esac; done")
              .exit_code == 0);
    CHECK(folder.run(fit + " --steps 30 -o parts --resume").exit_code == 0);
    CHECK(folder.run("iflow fit moons.csv -o whole --resume --logdet exact").exit_code == 2);
    CHECK(folder.run("iflow logprob whole moons.csv --mean").exit_code == 0);
  }
}

}  // namespace
}  // namespace iflow::test
