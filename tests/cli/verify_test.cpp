#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/model_file.h"
#include "cli/small_fit.h"

namespace iflow::test {
namespace {

using nlohmann::json;

void change_model(const MoonsFolder& folder, const std::string& checkpoint,
                  const std::function<void(json&)>& change) {
  json model = model_of(folder / checkpoint);
  change(model);
  folder.write(checkpoint + "/model.json", model.dump(2));
}

TEST_CASE("verify: a fitted checkpoint keeps its promises") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv --quiet" + kSmall).exit_code == 0);
  const ProcessResult result = folder.run("iflow verify moons.iflow");
  CHECK(result.exit_code == 0);
  CHECK(result.err.empty());
  for (const char* name :
       {"checksums", "spectral norms", "Lipschitz bounds", "inverse", "log-determinant"}) {
    CHECK(result.out.find(std::string("kept    ") + name) != std::string::npos);
  }
  CHECK(result.out.find("BROKEN") == std::string::npos);
  const json report = json::parse(folder.run("iflow verify moons.iflow --json").out);
  CHECK(report["kept"] == true);
  CHECK(report["promises"].size() == 5);
}

TEST_CASE("verify: a recorded bound below the true one is a broken promise") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv --quiet" + kSmall).exit_code == 0);
  for (const char* kind : {"matrices", "blocks"}) {
    INFO(kind);
    REQUIRE(folder.run("rm -rf bad && cp -r moons.iflow bad").exit_code == 0);
    change_model(folder, "bad", [&](json& model) {
      auto& bound = model["lipschitz"][kind].front();
      bound = bound.get<double>() * (1 - 1e-6);
    });
    const ProcessResult result = folder.run("iflow verify bad");
    CHECK(result.exit_code == 5);
    const ProcessResult use = folder.run("iflow logprob bad moons.csv --mean");
    CHECK(use.exit_code == 4);
    CHECK(use.err.find("the recorded Lipschitz bound is ") != std::string::npos);
    CHECK(result.out.find("BROKEN") != std::string::npos);
    CHECK(json::parse(folder.run("iflow verify bad --json").out)["kept"] == false);
  }
}

TEST_CASE("verify: weights above their bound, with every checksum right, are a broken promise") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv --quiet" + kSmall).exit_code == 0);
  const json promised = model_of(folder / "moons.iflow")["lipschitz"];
  {
    const std::string checkpoint = (folder / "moons.iflow").string();
    Fit fit = load_fit(checkpoint);
    const Flow<float> flow = build_flow<float>(fit.flow);
    const ParameterInfo* weight = nullptr;
    for (const ParameterInfo& info : flow.layout().entries()) {
      if (info.max_norm > 0) weight = &info;
    }
    REQUIRE(weight != nullptr);
    // so little that the block's own bound stays below 1: a fit above it can't be saved
    for (std::size_t i = 0; i < weight->size(); ++i) fit.parameters[weight->offset + i] *= 1.01F;
    CheckpointWriter writer(checkpoint);
    save_fit(writer, fit);
  }
  change_model(folder, "moons.iflow", [&](json& model) { model["lipschitz"] = promised; });
  CHECK(folder.run("iflow logprob moons.iflow moons.csv --mean").exit_code == 4);
  const ProcessResult result = folder.run("iflow verify moons.iflow");
  CHECK(result.exit_code == 5);
  CHECK(result.out.find("BROKEN  spectral norms: flow.") != std::string::npos);
}

TEST_CASE("verify: a damaged or missing checkpoint is exit code 4") {
  const MoonsFolder folder;
  REQUIRE(folder.run("iflow fit moons.csv --quiet" + kSmall).exit_code == 0);
  CHECK(folder.run("iflow verify nothing.iflow").exit_code == 4);
  CHECK(folder.run("for f in moons.iflow/training-*; do truncate -s -1 $f; done").exit_code == 0);
  CHECK(folder.run("iflow verify moons.iflow").exit_code == 4);
}

}  // namespace
}  // namespace iflow::test
