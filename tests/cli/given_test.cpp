// fit --given: conditional densities, and every command on them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "base/rng.h"
#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

double mean_of(double x) { return std::sin(2 * x); }
double deviation_of(double x) { return 0.15 + 0.1 * std::fabs(x); }

double true_log_density(double y, double x) {
  const double u = (y - mean_of(x)) / deviation_of(x);
  return -u * u / 2 - std::log(deviation_of(x) * std::sqrt(2 * std::numbers::pi));
}

// y | x normal with mean sin 2x, the wider the farther x is from 0; x between -2 and 2, and with it
// an integer that says nothing. The given columns are not the last ones.
std::string wave(std::uint64_t key, int rows) {
  Rng rng(key, RngPurpose::kTest);
  std::string csv = "x,y,k\n";
  for (int i = 0; i < rows; ++i) {
    const double x = 4 * rng.uniform() - 2;
    csv += std::to_string(x) + "," + std::to_string(mean_of(x) + deviation_of(x) * rng.normal()) +
           "," + std::to_string(rng.below(4)) + "\n";
  }
  return csv;
}

// A folder with wave.csv and wave.iflow, and fresh.csv.
const FittedFolder& folder() {
  static const FittedFolder shared("wave.csv", wave(1, 4000),
                                   "--given x,k --blocks 6 --hidden 32 --steps 1500 --json");
  static const bool written = !shared.write("fresh.csv", wave(2, 1000)).empty();
  CHECK(written);
  return shared;
}

std::string out(const std::string& script) {
  const ProcessResult r = folder().run(script);
  CHECK_MESSAGE(r.exit_code == 0, script, ": ", r.err);
  return r.out;
}

TEST_CASE("given: the density is near the truth on fresh rows, and far above the regression's") {
  const ProcessResult& r = folder().fitted;
  REQUIRE_MESSAGE(r.exit_code == 0, r.err);
  const json result = json::parse(r.out);
  CHECK(result["given"] == json{"x", "k"});
  CHECK_FALSE(contains(r.err, "integers"));  // k is taken as it is
  const auto rows = numbers_of(folder().read("fresh.csv"));
  const auto log_p = column_of(numbers_of(out("iflow logprob wave.iflow fresh.csv")), 0);
  REQUIRE(log_p.size() == rows.size());
  double gap = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    gap += (true_log_density(rows[i][1], rows[i][0]) - log_p[i]) / static_cast<double>(rows.size());
  }
  CHECK(gap > -0.01);
  CHECK(gap < 0.1);
  const json eval = json::parse(out("iflow eval wave.iflow fresh.csv --json --train wave.csv"));
  CHECK(eval["difference"]["nats"].get<double>() > 0.4);
  // The baselines are conditional, too: the Gaussian has what a regression leaves.
  CHECK(eval["gaussian"]["nats"].get<double>() > -1.3);
  CHECK(eval["gaussian"]["nats"].get<double>() < -0.8);
  CHECK(std::fabs(eval["kde"]["nats"].get<double>()) < 1);
}

TEST_CASE("given: the density of every condition integrates to one") {
  std::string grid = "y,k,x\n";
  for (int i = 0; i < 2000; ++i) grid += std::to_string(-5 + 0.005 * i) + ",2,1.25\n";
  folder().write("grid.csv", grid);
  double sum = 0;
  for (const auto& row : numbers_of(out("iflow logprob wave.iflow grid.csv"))) {
    sum += std::exp(row[0]) * 0.005;
  }
  CHECK(sum == doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE("given: samples follow their conditions, keyed by row and draw") {
  folder().write("at.csv", "id,k,x\na,1,0.7\nb,3,-1.5\n");
  const std::string sample = "iflow sample wave.iflow --given at.csv --keep id ";
  const std::string many = out(sample + "-n 2000");
  const auto lines = lines_of(many);
  REQUIRE(lines.size() == 4001);
  CHECK(lines[0] == "x,y,k,id");
  CHECK(lines[1].starts_with("0.7,"));
  CHECK(lines[1].ends_with(",1,a"));
  CHECK(lines[4000].ends_with(",3,b"));
  double sum = 0, squares = 0;
  for (int i = 1; i <= 2000; ++i) {
    const double y = std::stod(lines[i].substr(lines[i].find(',') + 1));
    sum += y, squares += y * y;
  }
  const double mean = sum / 2000, deviation = std::sqrt(squares / 2000 - mean * mean);
  CHECK(std::fabs(mean - mean_of(0.7)) < 0.1);
  CHECK(deviation == doctest::Approx(deviation_of(0.7)).epsilon(0.25));
  // The first draws are the same for any number of them, and one is the default.
  const auto few = lines_of(out(sample + "-n 2"));
  CHECK(few[1] == lines[1]);
  CHECK(few[3] == lines[2001]);
  CHECK(lines_of(out(sample))[2] == lines[2001]);
  CHECK(out(sample + "-n 30 --threads 1") == out(sample + "-n 30 --threads 2"));
  // A table that was split, and one with the modelled column in it.
  CHECK(out("iflow sample wave.iflow --given fresh.csv") ==
        out("iflow sample wave.iflow --given <(cut -d, -f1,3 fresh.csv)"));
  CHECK(out("head -n 401 fresh.csv | iflow sample wave.iflow --given - &&"
            "(head -n 1 fresh.csv; tail -n +402 fresh.csv) |"
            "iflow sample wave.iflow --given - --first-row 400 | tail -n +2") ==
        out("iflow sample wave.iflow --given fresh.csv"));
  // What is written can be read again.
  CHECK(lines_of(out("iflow sample wave.iflow --given fresh.csv | iflow logprob wave.iflow"))
            .size() == 1001);
  const ProcessResult dropped = folder().run(
      "printf 'x,k\\n1,1\\nNA,2\\n' | iflow sample wave.iflow --given - --na drop -n 3");
  CHECK(lines_of(dropped.out).size() == 4);
  CHECK(contains(dropped.err, "dropped 1 of 2 rows"));
}

TEST_CASE("given: encode, decode and invert carry the condition along") {
  const std::string z = out("iflow encode wave.iflow fresh.csv");
  CHECK(lines_of(z)[0] == "z1,x,k");
  double sum = 0, squares = 0;
  for (const auto& row : numbers_of(z)) sum += row[0], squares += row[0] * row[0];
  CHECK(std::fabs(sum / 1000) < 0.15);
  CHECK(squares / 1000 == doctest::Approx(1).epsilon(0.2));
  const auto rows = numbers_of(folder().read("fresh.csv"));
  const auto same = [&](const std::string& csv) {
    const auto again = numbers_of(csv);
    REQUIRE(again.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(std::fabs(again[i][1] - rows[i][1]) < 1e-6);
      CHECK(again[i][0] == rows[i][0]);
      CHECK(again[i][2] == rows[i][2]);
    }
  };
  const std::string back =
      out("iflow encode wave.iflow fresh.csv | iflow decode wave.iflow - --tol 1e-9");
  CHECK(lines_of(back)[0] == "x,y,k");
  same(back);
  same(out("iflow invert wave.iflow fresh.csv --tol 1e-9 --quiet"));
  // Columns are found by name.
  CHECK(out("awk -F, '{print $3 \",\" $1 \",\" $2}' fresh.csv | iflow logprob wave.iflow") ==
        out("iflow logprob wave.iflow fresh.csv"));
}

TEST_CASE("given: without names the columns are where they were") {
  folder().run("tail -n +2 wave.csv > bare.csv; tail -n +2 fresh.csv > barefresh.csv");
  out("iflow fit bare.csv --given x1,x3 --force --blocks 6 --hidden 32 --steps 1500");
  CHECK(out("iflow logprob bare.iflow barefresh.csv") ==
        out("iflow logprob wave.iflow fresh.csv | tail -n +2"));
  CHECK(out("iflow sample bare.iflow --given <(cut -d, -f1,3 barefresh.csv)") ==
        out("iflow sample wave.iflow --given fresh.csv | tail -n +2"));
}

TEST_CASE("given: info, verify and plot") {
  CHECK(contains(out("iflow info wave.iflow"), "y given x, k"));
  CHECK(json::parse(out("iflow info wave.iflow --json"))["data"]["given"] == json{"x", "k"});
  CHECK(json::parse(out("iflow verify wave.iflow --json"))["kept"] == true);
  const ProcessResult three = folder().run("iflow plot wave.iflow fresh.csv -o wave.png");
  CHECK(three.exit_code == 2);
  CHECK(contains(three.err, "--curve"));
  out("iflow fit wave.csv -o one --columns x,y --given x" + kSmall);
  out("iflow plot one fresh.csv --columns x,y -n 1000 -o one.png");
  CHECK(folder().read("one.png").starts_with("\x89PNG"));
  CHECK(folder().run("iflow plot one -o one.png").exit_code == 2);
}

TEST_CASE("given: the same bytes for any threads, killed or not") {
  const std::string fit = "iflow fit wave.csv --given k,x" + kSmall;
  out(fit + "-o whole --threads 1");
  out(fit + "-o two --threads 2");
  CHECK(contents(folder() / "whole") == contents(folder() / "two"));
  out("iflow fit wave.csv --given k,x --blocks 4 --hidden 16,16 --steps 150 -o parts");
  out("iflow fit wave.csv --given k,x --resume --steps 300 -o parts");
  auto parts = contents(folder() / "parts"), again = parts;
  out("iflow fit wave.csv --given k,x --blocks 4 --hidden 16,16 --steps 150 -o more");
  out("iflow fit wave.csv --resume --steps 300 -o more --threads 1");
  CHECK(contents(folder() / "more") == again);
  const ProcessResult other = folder().run("iflow fit wave.csv -o whole --resume --given x");
  CHECK(other.exit_code == 2);
  CHECK(contains(other.err, "--given"));
}

TEST_CASE("given: with bounds, integers, weights, a file to validate on, and couplings") {
  Rng rng(5, RngPurpose::kTest);
  std::string csv = "n,w,c,s\n";
  for (int i = 0; i < 600; ++i) {
    const double c = rng.normal();
    csv += std::to_string(static_cast<int>(3 * c + rng.normal())) + ",1.5," + std::to_string(c) +
           "," + std::to_string(1 / (1 + std::exp(-c - rng.normal()))) + "\n";
  }
  folder().write("mixed.csv", csv);
  folder().run("head -n 200 mixed.csv > mixedval.csv");
  for (const std::string model : {"iresnet", "realnvp"}) {
    const std::string options =
        " --given c --weights w --bounds s=0:1 --val mixedval.csv "
        "--steps 200 --blocks 4 --hidden 16 --force --model ";
    out("iflow fit mixed.csv" + options + model);
    const auto samples = numbers_of(out("iflow sample mixed.iflow --given mixed.csv --columns c"));
    REQUIRE(samples.size() == 600);
    for (const auto& row : samples) {
      CHECK(row[0] == std::floor(row[0]));
      CHECK(row[2] >= 0);
      CHECK(row[2] <= 1);
    }
    const auto log_p = numbers_of(out("iflow logprob mixed.iflow mixed.csv --columns n,c,s"));
    CHECK(log_p[0].size() == 3);
    CHECK(json::parse(out("iflow verify mixed.iflow --json"))["kept"] == true);
  }
}

TEST_CASE("given: a checkpoint whose given columns make no sense is refused") {
  const json model = model_of(folder() / "wave.iflow");
  REQUIRE(model["data"]["given"] == json{"x", "k"});
  REQUIRE(model["flow"]["condition"]["mean"].size() == 2);
  json changed = model;
  const auto refused = [&](const std::string& hint) {
    out("rm -rf bad && cp -r wave.iflow bad");
    folder().write("bad/model.json", changed.dump());
    const ProcessResult r = folder().run("iflow logprob bad fresh.csv");
    CHECK(r.exit_code == 4);
    CHECK_MESSAGE(contains(r.err, hint), r.err);
    changed = model;
  };
  changed["data"]["given"] = json::array({"k", "x"});
  refused("data.given");
  changed["data"]["given"] = json::array({"x", "k", "q"});
  refused("data.given");
  changed["data"]["given"] = json::array({"x"});
  refused("columns and flow differ");
  changed["data"].erase("given");
  refused("columns and flow differ");
  changed["flow"].erase("condition");
  refused("model.json");
  changed["flow"]["condition"]["deviation"][0] = 0.0;
  refused("a deviation must be positive");
  changed["flow"]["condition"]["unit"] = 1;
  refused("unit");
}

TEST_CASE("given: what makes no sense is named") {
  const auto fails = [](const std::string& command, int code, const std::string& hint) {
    const ProcessResult r = folder().run("iflow " + command);
    CHECK(r.exit_code == code);
    CHECK_MESSAGE(contains(r.err, hint), r.err);
  };
  fails("fit wave.csv -o no --given q", 2, "--given: no column \"q\"");
  fails("fit wave.csv -o no --given x,x", 2, "named twice");
  fails("fit wave.csv -o no --given x,y,k", 2, "none is left to fit");
  fails("fit wave.csv -o no --given x --weights x", 2, "--weights");
  fails("fit wave.csv -o no --given x --bounds x=-2:2", 2, "\"x\" is given, not modelled");
  fails("fit wave.csv -o no --given k --continuous k", 2, "--continuous: no column \"k\"");
  fails("fit wave.csv -o no --given x,k --model glow", 2, "besides those given");
  fails("sample wave.iflow -n 3", 2, "--given: wave.iflow is conditional on x, k");
  fails("sample wave.iflow --given <(printf 'x\\n1\\n')", 3, "missing 1 column: \"k\"");
  fails("sample wave.iflow --given <(printf 'x,k,q\\n1,2,3\\n')", 3, "\"q\"");
  fails("logprob wave.iflow <(printf 'y,x\\n1,2\\n')", 3, "missing 1 column: \"k\"");
  fails("decode wave.iflow <(printf 'z1\\n1\\n')", 3, "missing 2 columns: \"x\", \"k\"");
  out("iflow fit wave.csv -o plain --force" + kSmall);
  fails("sample plain --given fresh.csv", 2, "is not conditional");
}

}  // namespace
}  // namespace iflow::test
