// The coupling flows of images: fit --model, and every command on their checkpoints.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/image_model.h"
#include "cli/small_fit.h"
#include "data/image_fixture.h"
#include "data/image_reader.h"

namespace iflow::test {
namespace {

using nlohmann::json;

const std::vector<std::string> kModels = {"nice", "realnvp", "glow", "spline"};

// In a folder of its own, with images to train on and others.
class ShapesFolder {
 public:
  ShapesFolder() {
    output_of("iflow toy shapes -n 200 -o s.npy; iflow toy shapes -n 20 --seed 2 -o other.npy");
  }

  ProcessResult run(const std::string& script) const {
    return run_shell(script, {.cwd = folder_.path()});
  }
  std::string output_of(const std::string& script) const {
    const ProcessResult r = run(script);
    CHECK_MESSAGE(r.exit_code == 0, (script + "\n" + r.err));
    return r.out;
  }
  const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
};

std::string fit_command(const std::string& model) {
  return "iflow fit s.npy --quiet -o " + model + " --model " + model +
         " --blocks 4 --hidden 8,8 --steps 60 --batch 32 ";
}

TEST_CASE("image models: the layers that each is made of, and how info shows them") {
  const ShapesFolder shapes;
  const auto layers = [&](const std::string& model) {
    shapes.output_of(fit_command(model));
    shapes.output_of("iflow info " + model);
    return json::parse(shapes.output_of("iflow info --json " + model)).at("layers");
  };
  const std::string first = "of convolutions 3-1-3 at 4 x 4, ";
  const std::string end = ", filters 8-8, relu";
  const json nice = layers("nice");
  CHECK(nice[2] ==
        "2 x (actnorm of 4 channels, additive coupling " + first + "checkerboard" + end + ")");
  CHECK(nice[3] == "2 x (actnorm of 4 channels, additive coupling " + first + "halves" + end + ")");
  CHECK(layers("glow")[2] ==
        "4 x (actnorm of 4 channels, plu matrix of 4 channels, affine coupling " + first +
            "halves" + end + ")");
}

TEST_CASE("image models: a fit learns, its bytes are the same for any threads and any pieces") {
  const ShapesFolder shapes;
  for (const std::string& model : kModels) {
    INFO(model);
    shapes.output_of(fit_command(model) + "--threads 1");
    const json history = model_of(shapes.folder() / model)["history"];
    CHECK(history["best_loss"].get<double>() <
          history["points"][0]["validation_loss"].get<double>() - 5);
    const auto one = contents(shapes.folder() / model);
    shapes.output_of(fit_command(model) + "--force --threads 2");
    CHECK(contents(shapes.folder() / model) == one);
  }
  const std::string fit =
      "iflow fit s.npy --model glow --blocks 4 --hidden 8,8 --steps 300 --validate-every 10 ";
  shapes.output_of(fit + "--quiet -o whole");
  const auto whole = contents(shapes.folder() / "whole");
  Process killed({"bash", "-c", "exec " + fit + "--log-every 1 -o killed"},
                 {.cwd = shapes.folder().path()});
  killed.wait_for_err("step 60/300");
  killed.signal(SIGINT);
  CHECK(killed.wait().exit_code == 130);
  shapes.output_of("iflow fit s.npy --resume --quiet -o killed");
  CHECK(contents(shapes.folder() / "killed") == whole);
}

TEST_CASE("image models: every other command works on their checkpoints") {
  const ShapesFolder shapes;
  for (const std::string& model : kModels) {
    INFO(model);
    shapes.output_of(fit_command(model));
    const std::string density = shapes.output_of("iflow logprob " + model + " other.npy");
    CHECK(shapes.output_of("iflow logprob " + model + " - --threads 1 < other.npy") == density);
    // an average over draws of the noise, the log-determinant being exact
    const auto rows = numbers_of(density, false);
    REQUIRE(rows.size() == 20);
    for (const std::vector<double>& row : rows) {
      CHECK(row[1] > 0);
      CHECK(row[2] == 0);
    }
    const json mean = json::parse(shapes.output_of("iflow eval " + model + " other.npy --json"));
    CHECK(mean["truncation_bound"]["nats"] == 0);
    const json report =
        json::parse(shapes.output_of("iflow invert " + model + " other.npy --json -o again.npy"));
    CHECK(report["exact_images"] == 20);
    CHECK(report["max_error"].get<double>() < 1e-6);
    CHECK(report["blocks"].empty());
    CHECK(shapes.folder().read("again.npy") == shapes.folder().read("other.npy"));
    shapes.output_of("iflow encode " + model + " other.npy -o z.npy; iflow decode " + model +
                     " z.npy -o decoded.npy");
    CHECK(shapes.folder().read("decoded.npy") == shapes.folder().read("other.npy"));
    shapes.output_of("iflow sample " + model + " -n 6 -o six.npy --threads 1; iflow sample " +
                     model + " -n 9 -o nine.npy");
    const Images six = read_images((shapes.folder() / "six.npy").string());
    const Images nine = read_images((shapes.folder() / "nine.npy").string());
    CHECK(std::equal(six.pixels.begin(), six.pixels.end(), nine.pixels.begin()));
    shapes.output_of("iflow plot " + model + " other.npy -n 4 -o p.png; iflow plot " + model +
                     " --curve -o p.png; iflow plot " + model +
                     " other.npy --interpolate -o p.png");
    CHECK(json::parse(shapes.output_of("iflow verify --json " + model))["kept"] == true);
  }
}

TEST_CASE("image models: of any size and colour") {
  const ShapesFolder shapes;
  const auto fits = [&](const ImageShape& shape, const std::string& model) {
    INFO(describe(shape), ", ", model);
    std::filesystem::remove_all(shapes.folder() / "in");
    std::filesystem::create_directories(shapes.folder() / "in");
    for (std::uint64_t i = 0; i < 12; ++i) {
      shapes.folder().write("in/" + std::to_string(i) + ".png", png_of(random_picture(shape, i)));
    }
    shapes.output_of("iflow fit in --force --quiet --blocks 2 --hidden 6,6 --steps 5 --model " +
                     model + "; iflow invert in.iflow in -o again/ --quiet");
    CHECK(read_images((shapes.folder() / "again").string()).pixels ==
          read_images((shapes.folder() / "in").string()).pixels);
  };
  for (const std::string& model : kModels) {
    fits({6, 4, 3}, model);
    fits({5, 7, 3}, model);
    fits({5, 3, 1}, model);  // as rows of a table
  }
}

TEST_CASE("image models: a checkpoint whose layers make no sense is exit code 4") {
  const ShapesFolder shapes;
  shapes.output_of(fit_command("glow"));
  const json good = model_of(shapes.folder() / "glow");
  const auto check_broken = [&](std::size_t layer, const std::string& field, const json& value,
                                const std::string& message) {
    json bad = good;
    bad["flow"]["layers"][layer][field] = value;
    shapes.folder().write("glow/model.json", bad.dump(2));
    const ProcessResult r = shapes.run("iflow logprob glow other.npy");
    CHECK_MESSAGE(r.exit_code == 4, field);
    CHECK_MESSAGE(contains(r.err, message), r.err);
  };
  REQUIRE(good["flow"]["layers"][3]["kind"] == "plu");
  check_broken(3, "channels", 2, "factors");
  check_broken(3, "channels", 5, "can't have 5 channels");
  check_broken(3, "channels", -1, "channels");
  REQUIRE(good["flow"]["layers"][4]["kind"] == "affine coupling");
  check_broken(4, "image", json::array({4, 4, 8}), "another number of elements");
  check_broken(4, "image", json::array({64, 1, 1}), "at least 2 channels");
  check_broken(4, "image", json::array({4, 4}), "image");
  check_broken(4, "image", json::array({0, 4, 4}), "image");
  check_broken(4, "image", 4, "image");
  check_broken(4, "sides", json::array({3, 1}), "kernel");
  check_broken(4, "sides", json::array({3, 1, 5}), "weight");
  check_broken(4, "sides", json::array({3, 1, (1ULL << 63U) + 3}), "kernel");
  check_broken(4, "mask", "checkers", "mask");
  check_broken(4, "hidden", json::array({8, 9}), "weight");
  check_broken(4, "hidden", json::array(), "convolutions");
  check_broken(4, "log_scale_bound", 0, "log-scale");
}

TEST_CASE("image models: compare fits, judges and draws them") {
  const ShapesFolder shapes;
  const std::string two = "iflow compare s.npy --models glow,iresnet --steps 20 --quiet ";
  const json result =
      json::parse(shapes.output_of(two + "--json --val other.npy -o picture.png --save kept"));
  CHECK(result[0]["image"] == json{{"height", 8}, {"width", 8}, {"channels", 1}, {"bits", 8}});
  CHECK(result[0]["validation_rows"] == 20);
  for (const json& model : result[0]["models"]) {
    INFO(model["model"]);
    const std::string name = model["model"], kept = "kept/s-" + name + ".iflow";
    const json alone = json::parse(shapes.output_of(
        "iflow fit s.npy --steps 20 --quiet --json --val other.npy -o alone --force --model " +
        name));
    CHECK(contents(shapes.folder() / kept) == contents(shapes.folder() / "alone"));
    CHECK(model["bits_per_dim"]["mean"].get<double>() ==
          doctest::Approx(alone["bits_per_dim"].get<double>()).epsilon(1e-12));
    CHECK(model["bits_per_dim"]["se"].get<double>() > 0);
    CHECK(result[0]["pixels"]["mean"].get<double>() ==
          doctest::Approx(alone["pixels_bits_per_dim"].get<double>() * 64 * std::log(2))
              .epsilon(1e-12));
    CHECK(model["parameters"] == alone["parameters"]);
    CHECK(model["inverse_error"].get<double>() < (name == "glow" ? 1e-9 : 1e-3));
    CHECK(model["logprob_rows_per_second"].get<double>() > 0);
    CHECK(model["sample_rows_per_second"].get<double>() > 0);
  }
  // a row a model with data, samples and reconstructions
  const ImageShape picture = read_images((shapes.folder() / "picture.png").string()).shape;
  const auto panel = [](std::size_t images) { return images * (8 * 9 + 2) + 2; };
  CHECK(picture.width == 24 + 44 + 3 * (panel(6) + 24));
  CHECK(picture.height == 46 + panel(3) + 30 + 14 + panel(3) + 30 + 44);
  const std::string table = shapes.output_of(two + "--parameters 30000");
  CHECK(contains(table, "held-out bits/dim  above best"));
  CHECK(contains(table, "sample images/s"));
  CHECK(
      contains(table, "s: 180 images to train on, 20 held out, on which independent pixels have"));
  const auto check_refused = [&](const std::string& arguments, const std::string& message) {
    const ProcessResult r = shapes.run("iflow compare " + arguments + " --models nice --steps 2");
    CHECK_MESSAGE(r.exit_code == 2, arguments);
    CHECK_MESSAGE(contains(r.err, message), r.err);
  };
  shapes.output_of("iflow toy moons -n 50 -o moons.csv");
  check_refused("s.npy moons.csv other.npy",
                "DATA: images and tables don't go together: s.npy holds images, moons.csv a table");
  check_refused("moons.csv s.npy",
                "DATA: images and tables don't go together: s.npy holds images, moons.csv a table");
  check_refused("s.npy other.npy -o x.png", "the figure is for one set of images");
  check_refused("s.npy --weights w", "--weights: a model of images has no use for it");
  check_refused("moons.csv --bits 3", "--bits: a model of a table has no use for it");
}

}  // namespace
}  // namespace iflow::test
