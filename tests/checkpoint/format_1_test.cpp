// A checkpoint of the first format, as its build wrote it: iflow toy moons -n 40 > moons.csv; iflow
// fit moons.csv --blocks 1 --hidden 2 --steps 20 --jacobian-penalty 0.1
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/model_file.h"
#include "fit/fit_fixture.h"

namespace iflow::test {
namespace {

using nlohmann::json;

const std::filesystem::path kStored =
    std::filesystem::path(IFLOW_SOURCE_DIR) / "tests/checkpoint/format_1.iflow";

TEST_CASE("format 1: it is read, and written again it is the same fit") {
  const Fit old = load_fit(kStored.string());
  CHECK(old.settings.train.steps == 20);
  CHECK(old.settings.train.jacobian_penalty == 0.1);
  CHECK(old.settings.flow.blocks == 1);
  CHECK(old.settings.flow.hidden == std::vector<std::size_t>{2});
  CHECK(old.settings.val_fraction == 0.2);
  CHECK(old.data.training_rows == 32);
  CHECK(is_refitted(old));
  CHECK_NOTHROW(load_model(kStored.string()));
  const TempDir folder;
  const std::string copy = (folder / "copy.iflow").string();
  {
    CheckpointWriter writer(copy);
    save_fit(writer, old);
  }
  const Fit again = load_fit(copy);
  check_same(again, old);
  const json before = json::parse(std::ifstream(kStored / "model.json"));
  const json after = json::parse(folder.read("copy.iflow/model.json"));
  CHECK(before["format_version"] == 1);
  CHECK(after["format_version"] == 2);
  json provenance = before["provenance"];
  provenance["options"]["start"] = "gaussian";  // what there was before it was a setting
  CHECK(after["provenance"] == provenance);
  CHECK(after["blobs"] == before["blobs"]);
}

TEST_CASE("format 1: it is resumed") {
  const TempDir folder;
  folder.write("moons.csv", toy_csv("moons", 40));
  FitRequest request = request_for(folder, "moons.csv", {{"steps", 24}});
  request.resumed = load_fit(kStored.string());
  const Fit longer = fitted(request);
  CHECK(longer.state.step == 24);
  CHECK(longer.state.history.front().validation_loss ==
        request.resumed->state.history.front().validation_loss);
}

TEST_CASE("format 1: the part held out is recorded before it was cut to its most") {
  const TempDir folder;
  json model = json::parse(std::ifstream(kStored / "model.json"));
  model["data"]["rows"] = 1'000'000;
  model["provenance"]["options"]["val-fraction"] = 0.05;
  std::filesystem::copy(kStored, folder / "many.iflow");
  folder.write("many.iflow/model.json", model.dump());
  CHECK(load_fit((folder / "many.iflow").string()).settings.val_fraction == 0.01);
}

}  // namespace
}  // namespace iflow::test
