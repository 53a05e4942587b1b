// The coupling flows: fit --model, and every command on their checkpoints.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

const std::vector<std::string> kModels = {"nice", "realnvp", "glow", "spline"};

std::string fit_command(const std::string& model, const std::string& more = "") {
  return "iflow fit moons.csv --quiet -o " + model + " --model " + model + kSmall + more;
}

TEST_CASE("models: the layers that each is made of, and how info shows them") {
  const MoonsFolder folder;
  const auto layers = [&](const std::string& model) {
    const ProcessResult fit = folder.run(fit_command(model));
    REQUIRE_MESSAGE(fit.exit_code == 0, fit.err);
    CHECK(folder.run("iflow info " + model).exit_code == 0);
    return json::parse(folder.run("iflow info --json " + model).out).at("layers");
  };
  CHECK(layers("nice") ==
        json{"standardise", "actnorm", "4 x additive coupling of 16-16, relu", "actnorm"});
  CHECK(layers("realnvp") ==
        json{"standardise", "actnorm", "4 x affine coupling of 16-16, relu", "actnorm"});
  CHECK(layers("glow") == json{"standardise",
                               "4 x (actnorm, plu matrix, affine coupling of 16-16, relu)",
                               "actnorm"});
  CHECK(layers("spline") == json{"standardise", "actnorm",
                                 "4 x (plu matrix, spline coupling of 16-16, sine, 8 bins)",
                                 "actnorm"});
}

TEST_CASE("models: a fit learns, its bytes are the same for any threads, and it can be extended") {
  const MoonsFolder folder;
  for (const std::string& model : kModels) {
    INFO(model);
    REQUIRE(folder.run(fit_command(model, "--lr 2e-3 --threads 1")).exit_code == 0);
    const json history = model_of(folder / model)["history"];
    CHECK(history["best_loss"].get<double>() <
          history["points"][0]["validation_loss"].get<double>() - 0.1);
    const auto one = contents(folder / model);
    REQUIRE(folder.run(fit_command(model, "--lr 2e-3 --force --threads 2")).exit_code == 0);
    CHECK(contents(folder / model) == one);
    // Shorter, then extended to the length of one that was extended in two parts.
    REQUIRE(folder.run("cp -r " + model + " parts").exit_code == 0);
    const std::string resume = "iflow fit moons.csv --resume --quiet --steps ";
    REQUIRE(folder.run(resume + "500 -o " + model).exit_code == 0);
    REQUIRE(folder.run(resume + "500 -o parts --threads 1").exit_code == 0);
    CHECK(contents(folder / "parts") == contents(folder / model));
    REQUIRE(folder.run("rm -rf parts").exit_code == 0);
    CHECK(folder.run("iflow fit moons.csv --resume --model iresnet -o " + model).exit_code == 2);
  }
}

TEST_CASE("models: killed and resumed, the same bytes as in one go") {
  const MoonsFolder folder;
  const std::string plan = " --model glow --blocks 4 --hidden 16,16 --steps 10000 --patience 0 ";
  REQUIRE(folder.run("iflow fit moons.csv -o whole" + plan).exit_code == 0);
  Process fit({"bash", "-c", "exec iflow fit moons.csv -o killed --log-every 100" + plan},
              {.cwd = folder.path()});
  fit.wait_for_err("step 2000/10000");
  fit.signal(SIGKILL);
  fit.wait();
  REQUIRE(model_of(folder / "killed")["history"]["step"] < 10000);
  CHECK(folder.run("iflow fit moons.csv --resume --quiet -o killed").exit_code == 0);
  CHECK(contents(folder / "killed") == contents(folder / "whole"));
}

TEST_CASE("models: every other command works on their checkpoints") {
  const MoonsFolder folder;
  for (const std::string& model : kModels) {
    INFO(model);
    REQUIRE(folder.run(fit_command(model)).exit_code == 0);
    const auto out = [&](const std::string& command) {
      const ProcessResult r = folder.run(command);
      CHECK_MESSAGE(r.exit_code == 0, r.err);
      return r.out;
    };
    const std::string density = out("iflow logprob " + model + " moons.csv");
    CHECK("logprob\n" + out("tail -n +2 moons.csv | split -l 41 --filter="
                            "'iflow logprob " +
                            model + " --threads 1 -'") ==
          density);
    const std::string z = out("iflow encode " + model + " moons.csv");
    CHECK(out("iflow sample " + model + " -n 50 --threads 1") ==
          out("iflow sample " + model + " -n 100 | head -n 51"));
    CHECK(out("iflow encode " + model + " moons.csv | iflow decode " + model + " -")
              .starts_with("x1,x2\n"));
    CHECK(out("iflow eval " + model + " moons.csv").find("Gaussian") != std::string::npos);
    out("iflow plot " + model + " moons.csv -o p.png");
    out("iflow plot " + model + " --curve -o p.png");
    const json report = json::parse(out("iflow invert " + model + " moons.csv --json -o back.csv"));
    CHECK(report["blocks"].empty());
    for (const json& column : report["columns"]) {
      CHECK(column["max_error"].get<double>() < 1e-13 * column["spread"].get<double>());
    }
    // An estimator has nothing to estimate: a mean of equal numbers.
    const ProcessResult estimate =
        folder.run("iflow logprob " + model + " moons.csv --logdet series --terms 1 --json");
    std::istringstream lines(estimate.out), exact(density.substr(density.find('\n') + 1));
    for (std::string line, value; std::getline(lines, line) && std::getline(exact, value);) {
      const json row = json::parse(line);
      CHECK(row["logprob"].get<double>() == doctest::Approx(std::stod(value)).epsilon(1e-13));
      CHECK(row["se"].get<double>() < 1e-14);
      CHECK(row["bound"] == 0);
    }
  }
}

TEST_CASE("models: verify") {
  const MoonsFolder folder;
  for (const std::string& model : kModels) {
    INFO(model);
    REQUIRE(folder.run(fit_command(model)).exit_code == 0);
    const json report = json::parse(folder.run("iflow verify --json " + model).out);
    CHECK(report["kept"] == true);
    CHECK(report["promises"].size() == 3);
  }
  // A recorded bound that nothing has.
  json changed = model_of(folder / "glow");
  changed["lipschitz"]["blocks"]["flow.1"] = 0.5;
  folder.write("glow/model.json", changed.dump(2));
  CHECK(folder.run("iflow verify glow").exit_code == 5);
}

TEST_CASE("models: the density integrates to one") {
  const MoonsFolder folder;
  for (const std::string& model : kModels) {
    INFO(model);
    REQUIRE(folder.run(fit_command(model)).exit_code == 0);
    const FittedModel fitted = load_model((folder / model).string());
    constexpr int kCells = 600;
    constexpr double kHalf = 12, kCell = 2 * kHalf / kCells;
    std::vector<double> centres;
    for (int i = 0; i < kCells * kCells; ++i) {
      centres.push_back(-kHalf + (i % kCells + 0.5) * kCell);
      centres.push_back(-kHalf + (i / kCells + 0.5) * kCell);
    }
    double mass = 0;
    for (const double log_p : fitted.log_density(centres)) mass += std::exp(log_p) * kCell * kCell;
    CHECK(mass == doctest::Approx(1).epsilon(0.005));
  }
}

TEST_CASE("models: options that a model has no use for, and data it can't take") {
  const MoonsFolder folder;
  const auto check_refused = [&](const std::string& options, const std::string& message) {
    const ProcessResult r = folder.run("iflow fit moons.csv -o refused " + options);
    CHECK_MESSAGE(r.exit_code == 2, options);
    CHECK_MESSAGE(r.err.find(message) != std::string::npos, r.err);
    CHECK_FALSE(std::filesystem::exists(folder / "refused"));
  };
  for (const std::string& model : kModels) {
    for (const std::string option :
         {"--coefficient 0.9", "--start-gain 0", "--l1 0.1", "--activation-first",
          "--jacobian-penalty 1", "--power-iterations 2", "--logdet exact", "--terms 2",
          "--probes 2", "--probe unit", "--continuation 0.4", "--gradient basic"}) {
      check_refused(
          "--model " + model + " " + option,
          option.substr(0, option.find(' ')) + ": --model " + model + " has no use for it");
    }
  }
  check_refused("--bins 4", "--bins: --model iresnet has no use for it");
  check_refused("--model glow --bins 4", "--bins: --model glow has no use for it");
  check_refused("--model spline --bins 65", "--bins");
  check_refused("--model glwo", "--model");
  folder.run("cut -d, -f1 moons.csv > one.csv");
  const ProcessResult r = folder.run("iflow fit one.csv --model spline");
  CHECK(r.exit_code == 2);
  CHECK(r.err.find("coupling layers need at least 2 columns") != std::string::npos);
}

TEST_CASE("models: a checkpoint whose layers make no sense is exit code 4") {
  const MoonsFolder folder;
  REQUIRE(folder.run(fit_command("spline")).exit_code == 0);
  const json good = model_of(folder / "spline");
  const auto check_broken = [&](const std::string& field, const json& value) {
    json bad = good;
    bad["flow"]["layers"][3][field] = value;
    folder.write("spline/model.json", bad.dump(2));
    CHECK_MESSAGE(folder.run("iflow logprob spline moons.csv").exit_code == 4, field);
  };
  REQUIRE(good["flow"]["layers"][3]["kind"] == "spline coupling");
  check_broken("bins", 0);
  check_broken("bins", 9);
  check_broken("bins", 1000000000);
  check_broken("range", -1);
  check_broken("hidden", json::array({16, 17}));
  check_broken("kind", "spline");
  check_broken("log_scale_bound", 2);
  check_broken("from_second", 1);
}

}  // namespace
}  // namespace iflow::test
