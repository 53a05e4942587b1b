// Integer columns: dequantised by fit, and by the commands that follow.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

constexpr int kRows = 600;

// die in 1..6, sixes as frequent as all others; price in tens, about the die; weight continuous.
std::string dice() {
  std::string csv = "die,weight,price\n";
  for (int i = 0; i < kRows; ++i) {
    const int k = i * 149 % kRows;
    const int die = k < kRows / 2 ? 6 : 1 + k % 5;
    const double weight = die + std::sin(0.7 * i) + 0.3 * std::cos(1.3 * i);
    const int price = 105 + 10 * (die / 2 + i * 211 % 3);
    csv += std::to_string(die) + "," + std::to_string(weight) + "," + std::to_string(price) + "\n";
  }
  return csv;
}

const std::string kFit = "--bounds die=1:6,price=100:" + kSmall;

// A folder with dice.csv and dice.iflow.
const FittedFolder& folder() {
  static const FittedFolder shared("dice.csv", dice(), kFit);
  return shared;
}

std::string output_of(const std::string& command) {
  const ProcessResult r = folder().run(command);
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  return r.out;
}

TEST_CASE("integers: found, named, recorded, shown by info") {
  const ProcessResult& r = folder().fitted;
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  CHECK(contains(r.err, "warning: dice.csv: columns \"die\", \"price\": integers only, spread"));
  CHECK(contains(r.err, "2 integer columns are spread evenly"));
  CHECK(contains(r.err, "plus 2.3026 (ln of the steps) it is at most the log-probability"));
  const json model = model_of(folder() / "dice.iflow");
  REQUIRE(model["lattices"].size() == 2);
  CHECK(model["lattices"][0] == json{{"column", 0}, {"origin", 0.0}, {"step", 1.0}});
  CHECK(model["lattices"][1] == json{{"column", 2}, {"origin", 5.0}, {"step", 10.0}});
  const std::string info = output_of("iflow info dice.iflow");
  CHECK(contains(info, "die, price (steps of 10)"));
  CHECK(contains(info, "die in [1, 6] (logit), price >= 105 (log)"));
  CHECK(json::parse(output_of("iflow info dice.iflow --json"))["dequantised"] ==
        json{"die", "price"});
}

TEST_CASE("integers: probabilities of all rows sum to less than 1, and to most of it") {
  std::string csv = "n\n";
  for (int i = 0; i < 400; ++i) csv += std::to_string(i * 149 % 400 < 200 ? 6 : 1 + i % 5) + "\n";
  folder().write("one.csv", csv);
  output_of("iflow fit one.csv --val one.csv --bounds n=1:6 --blocks 4 --hidden 16,16 --steps 600");
  folder().write("faces.csv", "n\n1\n2\n3\n4\n5\n6\n");
  double sum = 0, six = 0;
  for (const auto& row : numbers_of(output_of("iflow logprob one.iflow faces.csv --draws 1000"))) {
    REQUIRE(row.size() == 3);  // logprob, se, bound
    CHECK(row[1] > 0);
    CHECK(row[1] < 0.1);
    CHECK(row[2] == 0);
    six = std::exp(row[0]);
    sum += six;
  }
  CHECK(sum < 1.005);
  CHECK(sum > 0.9);
  CHECK(std::fabs(six - 0.5) < 0.06);
}

TEST_CASE("integers: the standard error is that of the average over draws") {
  // Means of 16 draws under 100 seeds spread as far as they say.
  folder().write("row.csv", "die,weight,price\n4,4,125\n");
  double mean = 0, squares = 0, stated = 0;
  constexpr int kSeeds = 100;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const auto rows =
        numbers_of(output_of("iflow logprob dice.iflow row.csv --seed " + std::to_string(seed)));
    mean += rows[0][0] / kSeeds;
    squares += rows[0][0] * rows[0][0] / kSeeds;
    stated += rows[0][1] * rows[0][1] / kSeeds;
  }
  const double spread = squares - mean * mean;
  CHECK(spread / stated > 0.5);
  CHECK(spread / stated < 2);
}

TEST_CASE("integers: a row's result depends on its index and the seed, not on its neighbours") {
  const std::string all = output_of("iflow logprob dice.iflow dice.csv");
  CHECK(output_of("iflow logprob dice.iflow dice.csv --threads 1") == all);
  CHECK(output_of("(head -n 101 dice.csv | iflow logprob dice.iflow -; (head -n 1 dice.csv; tail "
                  "-n +102 dice.csv) | iflow logprob dice.iflow - --first-row 100 | tail -n +2)") ==
        all);
  CHECK(output_of("iflow logprob dice.iflow dice.csv --seed 5") != all);
  const std::string estimated =
      output_of("iflow logprob dice.iflow dice.csv --logdet series --draws 4");
  const auto exact = numbers_of(all), other = numbers_of(estimated);
  REQUIRE(exact.size() == other.size());
  double off = 0, variance = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    off += other[i][0] - exact[i][0];
    variance += other[i][1] * other[i][1] + exact[i][1] * exact[i][1];
  }
  CHECK(std::fabs(off) < 5 * std::sqrt(variance) + 0.001 * kRows);
}

TEST_CASE("integers: samples are on the lattice and within the bounds") {
  bool faces[7] = {};
  for (const auto& row : numbers_of(output_of("iflow sample dice.iflow -n 3000 --temperature 2"))) {
    CHECK(row[0] == std::floor(row[0]));
    CHECK((row[0] >= 1 && row[0] <= 6));
    CHECK(std::fmod(row[2] - 5, 10) == 0);
    CHECK(row[2] >= 105);
    faces[static_cast<int>(row[0])] = true;
  }
  for (int face = 1; face <= 6; ++face) CHECK(faces[face]);
}

TEST_CASE("integers: encoded and decoded, inverted, they come back") {
  const auto before = numbers_of(dice());
  for (const std::string command :
       {"set -o pipefail; iflow encode dice.iflow dice.csv | iflow decode dice.iflow -",
        "iflow invert dice.iflow dice.csv"}) {
    const auto after = numbers_of(output_of(command));
    REQUIRE(after.size() == before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(after[i][0] == before[i][0]);
      CHECK(after[i][1] == doctest::Approx(before[i][1]).epsilon(1e-5));
      CHECK(after[i][2] == before[i][2]);
    }
  }
  CHECK(output_of("iflow verify dice.iflow").find("BROKEN") == std::string::npos);
}

TEST_CASE("integers: rows off the lattice have probability zero and no image") {
  folder().write("odd.csv",
                 "die,weight,price\n4,4,125\n4.5,4,125\n4,4,120\n7,4,125\n0,4,125\n6,6,105\n");
  const ProcessResult r = folder().run("iflow logprob dice.iflow odd.csv");
  CHECK(r.exit_code == 0);
  CHECK(contains(r.err, "4 rows have an infinite log-density"));
  CHECK(contains(r.err, "spread evenly over the steps"));
  std::istringstream lines(r.out);
  std::string line;
  std::getline(lines, line);
  CHECK(line == "logprob,se,bound");
  for (const bool possible : {true, false, false, false, false, true}) {
    std::getline(lines, line);
    CHECK(line.starts_with("-inf,0,0") == !possible);
  }
  const json eval = json::parse(folder().run("iflow eval dice.iflow odd.csv --json").out);
  CHECK(eval["infinite"] == 4);
  CHECK(eval["draws"] == 16);
  for (const std::string command : {"encode", "invert"}) {
    const ProcessResult refused = folder().run("iflow " + command + " dice.iflow odd.csv");
    CHECK(refused.exit_code == 3);
    CHECK_MESSAGE(contains(refused.err, "odd.csv: row 2 (the header not counted): column \"die\""),
                  refused.err);
  }
}

TEST_CASE("integers: eval averages logprob's densities and says what they are") {
  const json eval = json::parse(output_of("iflow eval dice.iflow dice.csv --json"));
  double mean = 0;
  for (const auto& row : numbers_of(output_of("iflow logprob dice.iflow dice.csv"))) {
    mean += row[0] / kRows;
  }
  CHECK(eval["model"]["nats"].get<double>() == doctest::Approx(mean).epsilon(1e-10));
  CHECK(contains(output_of("iflow eval dice.iflow dice.csv"), "16 draws a row here"));
}

TEST_CASE("integers: --continuous takes them as they are") {
  output_of("iflow fit dice.csv -o raw --continuous all" + kSmall);
  CHECK_FALSE(model_of(folder() / "raw").contains("lattices"));
  CHECK(output_of("iflow logprob raw dice.csv").starts_with("logprob\n"));
  const ProcessResult r = folder().run("iflow fit dice.csv -o some --continuous price" + kSmall);
  CHECK(r.exit_code == 0);
  CHECK(contains(r.err, "column \"price\": integers only, treated as continuous"));
  CHECK(model_of(folder() / "some")["lattices"].size() == 1);
  const ProcessResult unknown = folder().run("iflow fit dice.csv -o no --continuous prize");
  CHECK(unknown.exit_code == 2);
  CHECK(contains(unknown.err, "did you mean \"price\"?"));
  const ProcessResult idle = folder().run("iflow logprob raw dice.csv --draws 4");
  CHECK(idle.exit_code == 2);
  CHECK(contains(idle.err, "no integer columns"));
  CHECK(folder().run("iflow logprob dice.iflow dice.csv --draws 1").exit_code == 2);
}

TEST_CASE("integers: the same bytes for any number of threads and when resumed") {
  output_of("iflow fit dice.csv -o one --threads 1 " + kFit);
  CHECK(contents(folder() / "one") == contents(folder() / "dice.iflow"));
  Process fit({"bash", "-c", "exec iflow fit dice.csv -o two --log-every 10 " + kFit},
              {.cwd = folder().path()});
  fit.wait_for_err("step 50/300");
  fit.signal(SIGTERM);
  CHECK(fit.wait().exit_code == 143);
  output_of("iflow fit dice.csv -o two --resume");
  CHECK(contents(folder() / "two") == contents(folder() / "dice.iflow"));
  const ProcessResult changed = folder().run("iflow fit dice.csv -o two --resume --continuous die");
  CHECK(changed.exit_code == 2);
  CHECK(contains(changed.err, "--continuous"));
}

TEST_CASE("integers: validation rows off the lattice, integers of one value, broken records") {
  folder().write("val.csv", "die,weight,price\n1,1,105\n2,2,111\n");
  const ProcessResult val = folder().run("iflow fit dice.csv -o no --val val.csv");
  CHECK(val.exit_code == 3);
  CHECK_MESSAGE(contains(val.err, "val.csv: row 2 (the header not counted): column \"price\""),
                val.err);
  CHECK(contains(val.err, "--continuous price"));
  folder().write("gaps.csv", "die,weight,price\n1,NA,105\n1,1,105\nNA,2,110\n2,2,111\n");
  const ProcessResult gaps = folder().run("iflow fit dice.csv -o no --na drop --val gaps.csv");
  CHECK(gaps.exit_code == 3);
  CHECK_MESSAGE(contains(gaps.err, "gaps.csv: row 4 (the header not counted): column \"price\""),
                gaps.err);
  const ProcessResult constant = folder().run(
      "awk -F, 'NR == 1 {print \"k,w\"; next} {print \"7,\" $2}' dice.csv > k.csv; "
      "iflow fit k.csv");
  CHECK(constant.exit_code == 3);
  CHECK(contains(constant.err, "column \"k\" is constant (7 in each row)"));
  for (const auto& [field, value] : {std::pair("step", 0.0), std::pair("step", 2.5),
                                     std::pair("origin", 15.0), std::pair("column", 9.0)}) {
    folder().run("rm -rf bad; cp -r dice.iflow bad");
    json model = model_of(folder() / "bad");
    model["lattices"][1][field] = value;
    if (field == std::string("column")) model["lattices"][1][field] = 9;
    folder().write("bad/model.json", model.dump());
    const ProcessResult r = folder().run("iflow info bad");
    CHECK(r.exit_code == 4);
    CHECK_MESSAGE(contains(r.err, "lattices"), r.err);
  }
}

}  // namespace
}  // namespace iflow::test
