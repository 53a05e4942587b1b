// What wrong calls with images are told, and with which exit code.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "cli/image_model.h"
#include "data/image_fixture.h"
#include "support/damage.h"

namespace iflow::test {
namespace {

void check_fails(const std::string& script, int exit_code, const std::string& message) {
  CAPTURE(script);
  const ProcessResult r = in_shapes_folder(script);
  CAPTURE(r.err);
  CHECK(r.exit_code == exit_code);
  CHECK(r.out == "");
  CHECK(contains(r.err, "iflow: error: "));
  CHECK(contains(r.err, message));
}

TEST_CASE("image errors: options that have no meaning end with 2") {
  for (const std::string option : {"--bounds a=0:1", "--weights w", "--columns a",
                                   "--continuous all", "--header no", "--na drop"}) {
    check_fails("iflow fit shapes.npy -o x.iflow " + option, 2,
                option.substr(0, option.find(' ')) + ": a model of images has no use for it");
  }
  shapes_folder().write("t.csv", "a,b\n1,2\n3,5\n");
  check_fails("iflow fit t.csv --bits 5", 2, "--bits: a model of a table has no use for it");
  check_fails("iflow fit t.csv --crop 2x2", 2, "--crop: a model of a table");
  check_fails("iflow fit shapes.npy --bits 9 -o x.iflow", 2, "--bits");
  check_fails("iflow fit shapes.npy --crop 2 -o x.iflow", 2, "expected HEIGHTxWIDTH");
  check_fails("iflow fit shapes.npy --resize 0x2 -o x.iflow", 2, "expected HEIGHTxWIDTH");
  check_fails("iflow logprob shapes.iflow heldout.npy --keep id", 2, "images have no columns");
  check_fails("iflow eval shapes.iflow heldout.npy --train shapes.npy", 2, "--train: ");
  check_fails("iflow sample shapes.iflow -n 2 -o x.csv", 2, "-o: x.csv: images go to");
  check_fails("iflow sample shapes.iflow -n 2 -o x.npy --json", 2, "--json: ");
  check_fails(
      "iflow encode shapes.iflow heldout.npy -o z.npy; iflow decode shapes.iflow z.npy "
      "--bound -o x.npy",
      2, "--bound: shapes.iflow is a model of images");
  check_fails("iflow plot shapes.iflow --interpolate -o x.png", 2, "--interpolate");
  check_fails("iflow plot shapes.iflow heldout.npy -n 2000 -o x.png", 2, "--samples: at most");
  check_fails("iflow toy shapes", 2, "toy shapes: give -n N");
  check_fails("iflow toy shapes --entropy", 2, "toy shapes: give -n N");
  check_fails("iflow fit shapes.npy --resume --bits 5", 2, "--bits: shapes.iflow was begun with 8");
}

TEST_CASE("image errors: tables where images are expected, and the other way round") {
  in_shapes_folder(
      "iflow toy moons -n 50 -o moons.csv; iflow fit moons.csv --quiet --steps 5 --blocks 1 "
      "--hidden 4");
  for (const std::string command : {"logprob", "encode", "invert", "eval"}) {
    check_fails("iflow " + command + " shapes.iflow moons.csv", 3, "moons.csv: no images");
    check_fails("iflow " + command + " moons.iflow heldout.npy", 3,
                "heldout.npy: images; expected a table of 2 columns");
    check_fails("iflow " + command + " moons.iflow held", 3, "held: images; expected a table");
    check_fails("iflow " + command + " moons.iflow moons.csv --crop 2x2", 2, "--crop, --resize");
  }
  check_fails("iflow logprob moons.iflow moons.csv --bits-per-dim", 2,
              "--bits-per-dim: moons.iflow is not a model of images");
  check_fails("iflow fit moons.csv --resume -o shapes.iflow", 3,
              "moons.csv: no images, and shapes.iflow is a model of images");
  check_fails("iflow fit shapes.npy --resume -o moons.iflow", 3,
              "shapes.npy: images, and moons.iflow is a model of a table");
  check_fails("iflow fit heldout.npy --resume -o shapes.iflow", 3, "not the data that");
}

TEST_CASE("image errors: images of another shape, both named") {
  shapes_folder().write("photo.png", png_of(random_picture({30, 40, 3}, 1)));
  for (const std::string command : {"logprob", "encode", "invert", "eval"}) {
    check_fails("iflow " + command + " shapes.iflow photo.png", 3,
                "photo.png: 30x40 colour, but shapes.iflow is a model of images that are 8x8 grey");
  }
  check_fails("iflow fit shapes.npy --val photo.png -o x.iflow", 3,
              "photo.png: 30x40 colour, but the images to train on are 8x8 grey");
}

TEST_CASE("image errors: files that no fit can work on") {
  const std::string png = png_of(random_picture({8, 8, 1}, 1));
  std::filesystem::create_directories(shapes_folder() / "bad");
  shapes_folder().write("bad/a.png", png);
  shapes_folder().write("bad/b.png", png.substr(0, 80));
  check_fails("iflow fit bad", 3, "bad/b.png: the PNG is cut short");
  shapes_folder().write("bad/b.png", png_of(random_picture({8, 9, 1}, 1)));
  check_fails("iflow fit bad", 3, "bad/b.png: 8x9 grey, but bad/a.png is 8x8 grey");
  shapes_folder().write("bad/b.png", "");
  check_fails("iflow fit bad", 3, "bad/b.png: the file is empty");
  shapes_folder().write("bad/b.png", png);
  shapes_folder().write("bad/c.png", png);
  check_fails("iflow fit bad", 3, "bad: all images to train on are the same");
  shapes_folder().write("one.png", png);
  check_fails("iflow fit one.png", 3, "too few rows (1)");
  shapes_folder().write("lie.idx", idx_of({1000, 8, 8}, std::string(640, 'x')));
  check_fails("iflow fit lie.idx", 3, "the header promises 1000 images");
  shapes_folder().write("early.idx.gz",
                        gzipped(idx_of({10, 8, 8}, std::string(640, 'x'))).substr(0, 30));
  check_fails("iflow fit early.idx.gz", 3, "cut short");
  shapes_folder().write("large.idx", idx_of({2, 200, 400}, std::string(160000, 'x')));
  check_fails("iflow fit large.idx", 3, "images of 80000 numbers; a flow takes up to 65536");
  check_fails("iflow fit none.png", 3, "none.png: ");
}

TEST_CASE("image errors: checkpoints whose image makes no sense end with 4") {
  const auto check_damaged = [](const std::string& damage, const std::string& message) {
    in_shapes_folder("rm -rf bad.iflow; cp -r shapes.iflow bad.iflow; cd bad.iflow; sed -i '" +
                     damage + "' model.json");
    check_fails("iflow logprob bad.iflow heldout.npy", 4, message);
  };
  check_damaged("s/\"height\": 8/\"height\": 0/", "data.image.height");
  check_damaged("s/\"height\": 8/\"height\": 4/", "pixels and flow differ in number");
  check_damaged("s/\"channels\": 1,/\"channels\": 2,/", "data.image.channels");
  check_damaged("s/\"channels\": 1,/\"channel\": 1,/", "data.image.channels: missing");
  check_damaged("0,/\"bits\": 8/s//\"bits\": 9/", "bits");
}

TEST_CASE("image errors: outputs that can't be written end with 1") {
  check_fails("iflow sample shapes.iflow -n 2 -o none/x.png", 1, "none/x.png: ");
  shapes_folder().write("file", "x");
  check_fails("iflow sample shapes.iflow -n 2 -o file/", 1, "file/: cannot write");
  const ProcessResult full = in_shapes_folder("iflow sample shapes.iflow -n 9 > /dev/full");
  CHECK(full.exit_code == 1);
}

}  // namespace
}  // namespace iflow::test
