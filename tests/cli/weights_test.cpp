// fit --weights.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

// Two hills, at -3 and 3, of 200 rows each; those of the second weigh three times as much.
std::string hills() {
  std::string csv = "x,w,y\n";
  for (int i = 0; i < 400; ++i) {
    const double u = std::sin(1.7 * i) + std::cos(0.3 * i * i), v = std::sin(0.9 * i);
    const bool second = i % 2 == 1;
    csv += std::to_string((second ? 3 : -3) + 0.5 * u) + "," + (second ? "3.75" : "1.25") + "," +
           std::to_string(v + 0.2 * u) + "\n";
  }
  return csv;
}

// A folder with hills.csv and hills.iflow.
const FittedFolder& folder() {
  static const FittedFolder shared("hills.csv", hills(), "--weights w --json" + kSmall);
  return shared;
}

TEST_CASE("weights: the column is not modelled, and the rows count as it says") {
  const ProcessResult& r = folder().fitted;
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  const json result = json::parse(r.out), model = model_of(folder() / "hills.iflow");
  CHECK(result["columns"] == json{"x", "y"});
  CHECK(model["provenance"]["options"]["weights"] == "w");
  // Half of the rows weigh 3, half 1: (1 + 3)^2 / (1 + 9) / 2 of the rows.
  CHECK(result["effective_rows"].get<double>() == doctest::Approx(0.8 * 320).epsilon(0.02));
  CHECK(contains(r.err, "rows are weighted by w"));
  // The Gaussian's mean is between the hills, at their centre of mass.
  CHECK(model["baselines"]["gaussian"]["mean"][0].get<double>() ==
        doctest::Approx(1.5).epsilon(0.1));
  CHECK(folder().run("iflow fit hills.csv --weights w --refit no -o plain" + kSmall).exit_code ==
        0);
  const json plain = model_of(folder() / "plain");
  CHECK(plain["flow"]["layers"][0]["mean"][0].get<double>() ==
        doctest::Approx(plain["baselines"]["gaussian"]["mean"][0].get<double>()));
  // Samples of the flow.
  const ProcessResult samples = folder().run(
      "iflow sample hills.iflow -n 4000 | awk -F, 'NR > 1 && $1 > 0 {n++} END {print n / 4000}'");
  CHECK(std::fabs(std::stod(samples.out) - 0.75) < 0.06);
}

TEST_CASE("weights: scaling them all changes nothing; equal weights are none") {
  folder().run(
      "awk -F, 'NR == 1 {print; next} {print $1 \",\" 4 * $2 \",\" $3}' OFMT=%.17g "
      "hills.csv > four.csv");
  CHECK(folder().run("iflow fit four.csv --weights w" + kSmall).exit_code == 0);
  auto four = contents(folder() / "four.iflow"), one = contents(folder() / "hills.iflow");
  CHECK(four.erase("model.json") == 1);
  CHECK(one.erase("model.json") == 1);
  CHECK(four == one);
  folder().run("awk -F, 'NR == 1 {print; next} {print $1 \",8,\" $3}' hills.csv > equal.csv");
  CHECK(folder().run("iflow fit equal.csv --weights w" + kSmall).exit_code == 0);
  CHECK(folder().run("iflow fit equal.csv -o none --columns x,y" + kSmall).exit_code == 0);
  auto equal = contents(folder() / "equal.iflow"), none = contents(folder() / "none");
  CHECK(equal.erase("model.json") == 1);
  CHECK(none.erase("model.json") == 1);
  CHECK(equal == none);
}

TEST_CASE("weights: rows of weight 0 count for nothing") {
  // As training rows: a far hill without weight moves neither the Gaussian nor the flow.
  folder().write("val.csv", "x,w,y\n-3,1,0\n3,3,0.1\n-2.5,1,-0.5\n");
  folder().run("(cat hills.csv; for i in $(seq 50); do echo 20,0,0.$i; done) > far.csv");
  CHECK(folder().run("iflow fit far.csv --val val.csv --weights w" + kSmall).exit_code == 0);
  CHECK(folder().run("iflow fit hills.csv -o near --val val.csv --weights w" + kSmall).exit_code ==
        0);
  auto far = contents(folder() / "far.iflow"), near = contents(folder() / "near");
  CHECK(far.erase("model.json") == 1);
  CHECK(near.erase("model.json") == 1);
  CHECK(far == near);
  CHECK(model_of(folder() / "far.iflow")["data"]["training_rows"] == 400);
  CHECK(model_of(folder() / "far.iflow")["baselines"] == model_of(folder() / "near")["baselines"]);
}

TEST_CASE("weights: with --columns, without a header, with missing values") {
  CHECK(
      folder().run("iflow fit hills.csv -o chosen --columns y,x --weights w" + kSmall).exit_code ==
      0);
  CHECK(model_of(folder() / "chosen")["data"]["columns"] == json{"y", "x"});
  folder().run("tail -n +2 hills.csv > bare.csv; head -n 30 bare.csv > bareval.csv");
  CHECK(folder()
            .run("iflow fit bare.csv -o bare --weights x2 --val bareval.csv" + kSmall)
            .exit_code == 0);
  CHECK(model_of(folder() / "bare")["data"]["columns"] == json{"x1", "x3"});
  // The validation rows' columns are taken for what they are.
  const json bare = model_of(folder() / "bare")["history"]["points"].back();
  CHECK(bare["validation_loss"] < bare["training_loss"].get<double>() + 2);
  folder().run("(cat hills.csv; echo 1,NA,2; echo NA,1,2) > gaps.csv");
  CHECK(folder().run("iflow fit gaps.csv --weights w" + kSmall).exit_code == 3);
  const ProcessResult r = folder().run("iflow fit gaps.csv --na drop --weights w" + kSmall);
  CHECK(r.exit_code == 0);
  CHECK(contains(r.err, "dropped 2 rows"));
}

TEST_CASE("weights: what makes no sense is named") {
  const auto fails = [](const std::string& arguments, int code, const std::string& hint) {
    const ProcessResult r = folder().run("iflow fit " + arguments + " -o no");
    CHECK(r.exit_code == code);
    CHECK_MESSAGE(contains(r.err, hint), r.err);
  };
  folder().run("sed '5s/,[^,]*,/,-1,/' hills.csv > negative.csv");
  fails("negative.csv --weights w", 3,
        "negative.csv: row 4 (the header not counted): column \"w\": a weight of -1");
  // Rows left out are counted, in the file to validate on as in DATA.
  folder().run("sed '2s/^[^,]*/NA/' negative.csv > gaps.csv");
  fails("gaps.csv --na drop --weights w", 3, "gaps.csv: row 4 (the header not counted)");
  fails("hills.csv --val gaps.csv --na drop --weights w", 3,
        "gaps.csv: row 4 (the header not counted): column \"w\": a weight of -1");
  // So are rows of weight 0.
  folder().write("far.csv", "x,w,y\n1,0,2\n1,1,2\n1e9,1,2\n");
  fails("hills.csv --val far.csv --weights w", 3,
        "far.csv: row 3 (the header not counted): column \"x\" is a million");
  folder().run("awk -F, 'NR == 1 {print; next} {print $1 \",0,\" $3}' hills.csv > zero.csv");
  fails("zero.csv --weights w", 3, "zero.csv: all rows to train on have the weight 0");
  folder().write("idle.csv", "x,w,y\n1,0,2\n2,0,3\n");
  fails("hills.csv --val idle.csv --weights w", 3, "idle.csv: all rows to validate");
  fails("hills.csv --weights v", 3, "no column \"v\" for --weights; did you mean");
  fails("hills.csv --columns x,w --weights w", 2, "one of the --columns");
  fails("hills.csv --columns x,y --weights v", 3, "\"v\"");
  const ProcessResult changed = folder().run(
      "sed 's/1.25/1.5/' hills.csv > other.csv; "
      "iflow fit other.csv -o hills.iflow --resume");
  CHECK(changed.exit_code == 3);
  const ProcessResult other = folder().run("iflow fit hills.csv --resume --weights y");
  CHECK(other.exit_code == 2);
  CHECK(contains(other.err, "--weights"));
}

}  // namespace
}  // namespace iflow::test
