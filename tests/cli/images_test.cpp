// Models of images: fitted, evaluated, sampled, inverted, drawn.
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
#include "support/damage.h"

namespace iflow::test {
namespace {

using nlohmann::json;

std::string path_of(const std::string& name) { return (shapes_folder() / name).string(); }

TEST_CASE("images: what the checkpoint records, and info shows") {
  const json model = model_of(shapes_folder() / "shapes.iflow");
  CHECK(model["data"]["image"] == json{{"height", 8}, {"width", 8}, {"channels", 1}, {"bits", 8}});
  CHECK_FALSE(model.contains("lattices"));
  CHECK(model["baselines"]["pixels"]["masses"][0].size() == 256);
  CHECK(model["data"]["training_rows"] == 270);
  CHECK(model["data"]["validation_rows"] == 30);
  const std::string info = image_output_of("iflow info shapes.iflow");
  CHECK(contains(info, "8x8 grey, 8 bits a pixel"));
  CHECK(contains(info, "bits/dim"));
  const json facts = json::parse(image_output_of("iflow info shapes.iflow --json"));
  CHECK(facts["data"]["image"]["width"] == 8);
  CHECK(contains(image_output_of("iflow verify shapes.iflow"), "kept    inverse"));
}

TEST_CASE("images: the fit reports bits/dim against independent pixels, and --json has them") {
  const TempDir folder;
  const ProcessResult r = run_shell(
      "iflow toy shapes -n 60 -o s.npy; iflow fit s.npy --json --log-every 10" + kSmallImageFit,
      {.cwd = folder.path()});
  REQUIRE_MESSAGE(r.exit_code == 0, r.err);
  CHECK(contains(r.err, "bits/dim of the held-out images (6 of them; independent pixels have "));
  CHECK(contains(r.err, " bits/dim  "));  // progress
  const json result = json::parse(r.out);
  CHECK(result["training_images"] == 54);
  CHECK(result["bits_per_dim"] > 0);
  CHECK(result["pixels_bits_per_dim"] > 0);
}

TEST_CASE("images: IDX, .npy and a folder of PNGs are the same data; where the fit goes") {
  const TempDir folder;
  const auto run = [&](const std::string& script) {
    const ProcessResult r = run_shell(script, {.cwd = folder.path()});
    CHECK_MESSAGE(r.exit_code == 0, r.err);
  };
  run("iflow toy shapes -n 30 -o s.npy; iflow toy shapes -n 30 -o some.shapes/");
  const Images images = read_images((folder / "s.npy").string());
  folder.write("train-images-idx3-ubyte.gz", gzipped(idx_of({30, 8, 8}, bytes_of(images.pixels))));
  const std::string fit = "--quiet --blocks 2 --hidden 8 --steps 10 ";
  run("iflow fit s.npy " + fit);
  run("iflow fit some.shapes/ " + fit);
  run("iflow fit train-images-idx3-ubyte.gz " + fit);
  const auto expected = contents(folder / "s.iflow");
  CHECK(contents(folder / "some.shapes.iflow") == expected);
  CHECK(contents(folder / "train-images-idx3-ubyte.iflow") == expected);
  run("iflow fit some.shapes --resume");
}

TEST_CASE("images: the same bytes for any threads, killed and resumed, or in one go") {
  const TempDir folder;
  const std::string fit = "iflow fit s.npy --blocks 2 --hidden 16 --steps 300 --validate-every 10 ";
  REQUIRE(run_shell("iflow toy shapes -n 100 -o s.npy; " + fit + "--threads 1 -o one; " + fit +
                        "--threads 2 -o two",
                    {.cwd = folder.path()})
              .exit_code == 0);
  const auto expected = contents(folder / "one");
  CHECK(contents(folder / "two") == expected);
  Process killed({"bash", "-c", "exec " + fit + "-o killed --log-every 1"}, {.cwd = folder.path()});
  killed.wait_for_err("step 60/300");
  killed.signal(SIGINT);
  CHECK(killed.wait().exit_code == 130);
  REQUIRE(run_shell("iflow fit s.npy --resume -o killed", {.cwd = folder.path()}).exit_code == 0);
  CHECK(contents(folder / "killed") == expected);
}

TEST_CASE("images: a fit for a time is that of the number of steps it planned") {
  const TempDir folder;
  const std::string fit = "iflow fit s.npy --blocks 2 --hidden 16 ";
  REQUIRE(
      run_shell("iflow toy shapes -n 600 -o s.npy; " + fit + "--time 2s", {.cwd = folder.path()})
          .exit_code == 0);
  const json steps = model_of(folder / "s.iflow")["provenance"]["options"]["steps"];
  REQUIRE(steps > 10);
  REQUIRE(run_shell(fit + "-o again --steps " + steps.dump(), {.cwd = folder.path()}).exit_code ==
          0);
  CHECK(contents(folder / "again") == contents(folder / "s.iflow"));
}

TEST_CASE("images: logprob in nats and in bits per dimension, one line an image, in any pieces") {
  const auto nats = numbers_of(image_output_of("iflow logprob shapes.iflow heldout.npy"), false);
  const auto bits =
      numbers_of(image_output_of("iflow logprob shapes.iflow heldout.npy --bits-per-dim"), false);
  REQUIRE(nats.size() == 40);
  REQUIRE(bits.size() == 40);
  for (std::size_t i = 0; i < 40; ++i) {
    REQUIRE(bits[i].size() == 3);  // bits_per_dim, se, bound
    CHECK(bits[i][0] == doctest::Approx(-nats[i][0] / 64 / std::log(2)).epsilon(1e-12));
    CHECK(bits[i][1] == doctest::Approx(nats[i][1] / 64 / std::log(2)).epsilon(1e-12));
    CHECK(bits[i][1] > 0);
    CHECK(bits[i][2] == 0);
  }
  const std::string text = image_output_of("iflow logprob shapes.iflow heldout.npy");
  CHECK(image_output_of("iflow logprob shapes.iflow - < heldout.npy") == text);
  CHECK(image_output_of("iflow logprob shapes.iflow heldout.npy --threads 1") == text);
  // The folder holds the first twelve; an image's result depends on its number alone.
  const std::string folder = image_output_of("iflow logprob shapes.iflow held");
  CHECK(text.starts_with(folder));
  const std::string third =
      image_output_of("iflow logprob shapes.iflow held/000003.png --first-row 2");
  CHECK(third == lines_of(text)[2] + "\n");
  const json object = json::parse(
      lines_of(image_output_of("iflow logprob shapes.iflow held --bits-per-dim --json"))[0]);
  CHECK(object["bits_per_dim"] == bits[0][0]);
}

TEST_CASE("images: --mean and eval agree") {
  const auto mean = numbers_of(
      image_output_of("iflow logprob shapes.iflow heldout.npy --mean --bits-per-dim --draws 2"),
      false);
  const json result = json::parse(image_output_of("iflow eval shapes.iflow heldout.npy --json"));
  CHECK(result["images"] == 40);
  CHECK(result["draws"] == 2);
  CHECK(result["model"]["bits_per_dim"].get<double>() ==
        doctest::Approx(mean[0][0]).epsilon(1e-12));
  CHECK(result["model"]["bits_per_dim_se"].get<double>() ==
        doctest::Approx(mean[0][1]).epsilon(1e-12));
  CHECK(result["truncation_bound"]["bits_per_dim"] == 0);
  const double gain = result["pixels"]["bits_per_dim"].get<double>() -
                      result["model"]["bits_per_dim"].get<double>();
  CHECK(-result["difference"]["bits_per_dim"].get<double>() == doctest::Approx(gain).epsilon(1e-9));
  const json series =
      json::parse(image_output_of("iflow eval shapes.iflow heldout.npy --logdet series --json"));
  CHECK(series["truncation_bound"]["largest_nats"] > 0);
  CHECK(series["truncation_bound"]["largest_nats"] < 2e-4 * 64 * 0.6932);
  const std::string text = image_output_of("iflow eval shapes.iflow heldout.npy");
  CHECK(contains(text, "mean over 40 images"));
  CHECK(contains(text, "independent pixels"));
}

TEST_CASE("images: samples as a grid, as files, as .npy; the first ones the same for every N") {
  image_output_of(
      "iflow sample shapes.iflow -n 6 -o six.npy; iflow sample shapes.iflow -n 9 -o nine/;"
      "iflow sample shapes.iflow -n 9 -o grid.png; iflow sample shapes.iflow -n 1 -o one.png;"
      "iflow sample shapes.iflow -n 6 > six_again.npy;"
      "iflow sample shapes.iflow -n 6 --temperature 0 -o cold.npy");
  const Images six = read_images(path_of("six.npy")), nine = read_images(path_of("nine"));
  REQUIRE(six.count() == 6);
  REQUIRE(nine.count() == 9);
  CHECK(nine.names.front() == "000001.png");
  CHECK(std::equal(six.pixels.begin(), six.pixels.end(), nine.pixels.begin()));
  CHECK(shapes_folder().read("six_again.npy") == shapes_folder().read("six.npy"));
  CHECK(read_images(path_of("one.png")).pixels == read_images(path_of("nine/000001.png")).pixels);
  const Images grid = read_images(path_of("grid.png"));
  CHECK(grid.shape.height == 3 * 16 * 8 + 4 * 2);
  CHECK(grid.shape.width == grid.shape.height);
  const Images cold = read_images(path_of("cold.npy"));
  for (std::size_t i = 1; i < 6; ++i) {
    CHECK(std::equal(cold.image(0).begin(), cold.image(0).end(), cold.image(i).begin()));
  }
}

TEST_CASE("images: invert gives back every byte, of any image") {
  Picture black{{8, 8, 1}, std::vector<std::uint8_t>(64, 0)};
  Picture white{{8, 8, 1}, std::vector<std::uint8_t>(64, 255)};
  std::filesystem::create_directories(shapes_folder() / "odd/more");
  shapes_folder().write("odd/black.png", png_of(black));
  shapes_folder().write("odd/more/white.png", png_of(white));
  shapes_folder().write("odd/noise.png", png_of(random_picture({8, 8, 1}, 1)));
  const ProcessResult r = in_shapes_folder("iflow invert shapes.iflow odd -o odd_again/");
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  CHECK(contains(r.err, "3 of 3 images came back to the byte"));
  CHECK(contains(r.err, "max evaluations"));
  CHECK(contains(r.err, "largest proved bound"));
  const Images odd = read_images(path_of("odd")), again = read_images(path_of("odd_again"));
  CHECK(again.names == odd.names);
  CHECK(again.pixels == odd.pixels);

  image_output_of("iflow invert shapes.iflow held/000005.png -o again.png --quiet");
  CHECK(shapes_folder().read("again.png") == shapes_folder().read("held/000005.png"));
  const json report =
      json::parse(image_output_of("iflow invert shapes.iflow heldout.npy -o again.npy --json"));
  CHECK(report["images"] == 40);
  CHECK(report["exact_images"] == 40);
  CHECK(report["unconverged"] == 0);
  CHECK(report["max_error"] < 1e-3);
  CHECK(report["blocks"].size() == 6);  // 3 at 4 x 4, 3 at 2 x 2
  CHECK(shapes_folder().read("again.npy") == shapes_folder().read("heldout.npy"));
}

TEST_CASE("images: encode and decode, through .npy and through a pipe") {
  image_output_of(
      "iflow encode shapes.iflow heldout.npy -o z.npy;"
      "iflow decode shapes.iflow z.npy -o decoded.npy;"
      "iflow encode shapes.iflow held | iflow decode shapes.iflow - -o decoded/");
  CHECK(shapes_folder().read("decoded.npy") == shapes_folder().read("heldout.npy"));
  CHECK(read_images(path_of("decoded")).pixels == read_images(path_of("held")).pixels);
}

TEST_CASE("images: plots of panels and of ways through z") {
  image_output_of(
      "iflow plot shapes.iflow heldout.npy -n 9 -o three.png;"
      "iflow plot shapes.iflow -n 9 -o samples.png;"
      "iflow plot shapes.iflow heldout.npy --interpolate -o ways.png;"
      "iflow plot shapes.iflow --curve -o curve.png");
  const ImageShape three = read_images(path_of("three.png")).shape;
  const ImageShape samples = read_images(path_of("samples.png")).shape;
  CHECK(three.height == samples.height);
  CHECK(three.width > 2 * samples.width);
  CHECK(read_images(path_of("ways.png")).shape.width > 440);
  // The ends of a way are the images themselves: those of the figure's first row.
  const Images ways = read_images(path_of("ways.png"));
  const Images held = read_images(path_of("held"));
  const std::size_t scale = 440 / 72, top = 46 + 2, left = 24 + 2;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t row = top + i / 8 * scale + scale / 2;
    const std::size_t first = left + i % 8 * scale + scale / 2;
    const std::size_t last = first + 8 * (8 * scale + 2);
    CHECK(ways.pixels[(row * ways.shape.width + first) * 3] == held.image(0)[i]);
    CHECK(ways.pixels[(row * ways.shape.width + last) * 3] == held.image(1)[i]);
  }
}

TEST_CASE("images: fewer bits, colour, cropped") {
  const TempDir folder;
  std::filesystem::create_directories(folder / "in");
  for (int i = 0; i < 12; ++i) {
    folder.write("in/" + std::to_string(i) + ".png",
                 png_of(random_picture({6, 7, 3}, static_cast<std::uint64_t>(i))));
  }
  const auto run = [&](const std::string& script) {
    const ProcessResult r = run_shell(script, {.cwd = folder.path()});
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    return r.out;
  };
  run("iflow fit in --bits 3 --crop 4x4 --quiet --blocks 2 --hidden 8 --steps 10");
  const json model = model_of(folder / "in.iflow");
  CHECK(model["data"]["image"] == json{{"height", 4}, {"width", 4}, {"channels", 3}, {"bits", 3}});
  CHECK(model["provenance"]["options"]["crop"] == "4x4");
  CHECK_FALSE(model["provenance"]["options"].contains("bounds"));
  run("iflow invert in.iflow in --crop 4x4 -o again/");
  const Images expected =
      read_images((folder / "in").string(), {.bits = 3, .crop = ImageSize{4, 4}});
  CHECK(read_images((folder / "again").string(), {.bits = 3}).pixels == expected.pixels);
  // Samples use the whole range of 8 bits, and are read as they were drawn.
  run("iflow sample in.iflow -n 5 -o s.npy; iflow logprob in.iflow s.npy");
}

}  // namespace
}  // namespace iflow::test
