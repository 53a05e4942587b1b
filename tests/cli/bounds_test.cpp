// fit --bounds and the commands that follow.
#include <doctest/doctest.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

constexpr int kRows = 400;

// share in [0, 1], some of it on the bounds; wait > 0.
std::string shares() {
  std::string csv = "share,wait\n";
  for (int i = 0; i < kRows; ++i) {
    const double u = (i * 149 % kRows + 0.5) / kRows, v = (i * 211 % kRows + 0.5) / kRows;
    const double share = i == 7 ? 0 : i == 11 ? 1 : u * u;
    csv += std::to_string(share) + "," + std::to_string(-std::log(v) * (1 + u)) + "\n";
  }
  return csv;
}

// A folder with shares.csv and shares.iflow.
const FittedFolder& folder() {
  static const FittedFolder shared("shares.csv", shares(), "--bounds share=0:1,wait=0:" + kSmall);
  return shared;
}

TEST_CASE("bounds: fitted, recorded, shown by info") {
  CHECK_MESSAGE(folder().fitted.exit_code == 0, folder().fitted.err);
  const json model = model_of(folder() / "shares.iflow");
  CHECK(model["provenance"]["options"]["bounds"] == json{"share=0:1", "wait=0:"});
  const json layer = model["flow"]["layers"][0];
  CHECK(layer["kind"] == "bounds");
  CHECK(layer["alpha"] == 1e-6);
  CHECK(layer["columns"][0] == json{{"column", 0}, {"lower", 0.0}, {"upper", 1.0}});
  CHECK(layer["columns"][1]["lower"] == 0.0);
  CHECK(layer["columns"][1]["scale"] > 0.5);
  CHECK(model["flow"]["layers"][1]["kind"] == "standardise");
  const std::string info = folder().run("iflow info shares.iflow").out;
  CHECK(contains(info, "share in [0, 1] (logit), wait >= 0 (log); alpha 1e-06"));
  CHECK(contains(info, "bounds of 2 columns; standardise"));
}

TEST_CASE("bounds: training and validation losses are in the same units") {
  const json points = model_of(folder() / "shares.iflow")["history"]["points"];
  const json last = points.back();
  CHECK(std::fabs(last["training_loss"].get<double>() - last["validation_loss"].get<double>()) < 1);
}

TEST_CASE("bounds: every sample lies inside") {
  const ProcessResult r = folder().run("iflow sample shares.iflow -n 5000 --temperature 3");
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  const auto lines = lines_of(r.out);
  REQUIRE(lines.size() == 5001);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const double share = std::stod(lines[i]);
    const double wait = std::stod(lines[i].substr(lines[i].find(',') + 1));
    CHECK(share >= 0);
    CHECK(share <= 1);
    CHECK(wait >= 0);
  }
}

TEST_CASE("bounds: rows outside have the log-density -inf, and are counted") {
  folder().write("odd.csv", "share,wait\n0.5,1\n1.5,1\n0.5,-1\n0,0\n1,2\n");
  const ProcessResult r = folder().run("iflow logprob shares.iflow odd.csv");
  CHECK(r.exit_code == 0);
  const auto lines = lines_of(r.out);
  REQUIRE(lines.size() == 6);
  CHECK(lines[2] == "-inf");
  CHECK(lines[3] == "-inf");
  for (const std::size_t inside : {1, 4, 5}) CHECK(std::isfinite(std::stod(lines[inside])));
  CHECK(contains(r.err, "2 rows have an infinite log-density"));
  const ProcessResult estimated =
      folder().run("iflow logprob shares.iflow odd.csv --logdet series");
  CHECK_MESSAGE(estimated.exit_code == 0, estimated.err);
  CHECK(lines_of(estimated.out)[2].starts_with("-inf,0,"));
  const json eval = json::parse(folder().run("iflow eval shares.iflow odd.csv --json").out);
  CHECK(eval["rows"] == 5);
  CHECK(eval["infinite"] == 2);
}

TEST_CASE("bounds: rows outside have no image") {
  folder().write("outside.csv", "share,wait\n0.5,1\n1.5,1\n");
  for (const std::string command : {"encode", "invert"}) {
    const ProcessResult r = folder().run("iflow " + command + " shares.iflow outside.csv");
    CHECK(r.exit_code == 3);
    CHECK_MESSAGE(contains(r.err,
                           "outside.csv: row 2 (the header not counted): column \"share\" is "
                           "1.5, against its bounds: share in [0, 1]"),
                  r.err);
  }
}

TEST_CASE("bounds: there and back again, with finite proved bounds") {
  const ProcessResult r = folder().run(
      "set -o pipefail; iflow encode shares.iflow shares.csv | iflow decode shares.iflow --bound");
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  const auto before = lines_of(shares()), after = lines_of(r.out);
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 1; i < before.size(); ++i) {
    CHECK(std::stod(after[i]) == doctest::Approx(std::stod(before[i])).epsilon(1e-6));
    CHECK(std::isfinite(std::stod(after[i].substr(after[i].rfind(',') + 1))));
  }
}

TEST_CASE("bounds: verify finds every promise kept") {
  const ProcessResult r = folder().run("iflow verify shares.iflow");
  CHECK_MESSAGE(r.exit_code == 0, r.out);
}

TEST_CASE("bounds: the same bytes for any number of threads and when resumed") {
  CHECK(folder()
            .run("iflow fit shares.csv -o one --threads 1 --bounds share=0:1,wait=0:" + kSmall)
            .exit_code == 0);
  CHECK(contents(folder() / "one") == contents(folder() / "shares.iflow"));
  // Ended in the middle by a signal, and gone on with.
  Process fit(
      {"bash", "-c",
       "exec iflow fit shares.csv -o two --log-every 10 --bounds share=0:1,wait=0:" + kSmall},
      {.cwd = folder().path()});
  fit.wait_for_err("step 50/300");
  fit.signal(SIGTERM);
  CHECK(fit.wait().exit_code == 143);
  const ProcessResult resumed = folder().run("iflow fit shares.csv -o two --resume");
  CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
  CHECK(contents(folder() / "two") == contents(folder() / "shares.iflow"));
  const ProcessResult changed =
      folder().run("iflow fit shares.csv -o two --resume --bounds share=0:2");
  CHECK(changed.exit_code == 2);
  CHECK(contains(changed.err, "--bounds"));
}

TEST_CASE("bounds: a row to fit outside of them is named") {
  const auto fails = [](const std::string& arguments, int code, const std::string& hint) {
    const ProcessResult r = folder().run("iflow fit shares.csv -o no " + arguments);
    CHECK(r.exit_code == code);
    CHECK_MESSAGE(contains(r.err, hint), r.err);
  };
  fails("--bounds share=0.25:1", 3, "shares.csv: row 1 (the header not counted): column \"share\"");
  folder().write("val.csv", "share,wait\n0.1,1\n0.2,2\n0.3,-1\n");
  fails("--bounds wait=0: --val val.csv", 3,
        "val.csv: row 3 (the header not counted): column \"wait\" is -1, against its bounds: wait "
        ">= 0");
  // Rows left out for missing values are counted, in either file.
  folder().write("gaps.csv", "share,wait\n0.1,1\nNA,2\n0.3,-1\n");
  fails("--bounds wait=0: --na drop --val gaps.csv", 3, "gaps.csv: row 3 (the header not counted)");
  folder().run("sed '2s/^[^,]*/NA/; 3s/^[^,]*/1.5/' shares.csv > holes.csv");
  const ProcessResult holes =
      folder().run("iflow fit holes.csv -o no --na drop --bounds share=0:1 --val val.csv");
  CHECK(holes.exit_code == 3);
  CHECK_MESSAGE(contains(holes.err, "holes.csv: row 2 (the header not counted)"), holes.err);
  fails("--bounds shore=0:1", 2, "did you mean \"share\"?");
  fails("--bounds share=0:1,share=0:", 2, "given twice");
  for (const std::string text :
       {"share", "share=", "share=:", "share=a:b", "share=0", "=0:1", "share=nan:1"}) {
    fails("--bounds " + text, 2, "expected COLUMN=LOW:HIGH");
  }
  fails("--bounds share=1:0", 2, "must be below");
  fails("--bounds share=1:1", 2, "must be below");
}

}  // namespace
}  // namespace iflow::test
