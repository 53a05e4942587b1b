#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "cli/moons_model.h"

namespace iflow::test {
namespace {

struct Size {
  std::uint32_t width, height;
};

// Of a PNG: the first chunk behind the signature holds it.
Size png_size(const std::string& bytes) {
  REQUIRE(bytes.size() > 24);
  REQUIRE(bytes.starts_with("\x89PNG\r\n\x1a\n"));
  REQUIRE(bytes.ends_with(std::string("IEND\xae\x42\x60\x82")));
  const auto number_at = [&](std::size_t at) {
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
    return n;
  };
  return {number_at(16), number_at(20)};
}

TEST_CASE("plot: data, density and samples; without data, two panels") {
  output_of("iflow plot moons.iflow moons.csv -o three.png");
  output_of("iflow plot moons.iflow -o two.png");
  const std::string three = moons_folder().read("three.png");
  const Size with_data = png_size(three), without = png_size(moons_folder().read("two.png"));
  CHECK(with_data.width > 1200);
  CHECK(without.width < with_data.width - 400);
  CHECK(output_of("iflow plot moons.iflow moons.csv -o -") == three);
  CHECK(output_of("cat moons.csv | iflow plot moons.iflow - -o - --threads 1") == three);
  CHECK(output_of("iflow plot moons.iflow moons.csv -o - --seed 1") != three);
  CHECK(output_of("iflow plot moons.iflow moons.csv -o - -n 100") != three);
}

TEST_CASE("plot: the training curve") {
  output_of("iflow plot moons.iflow --curve -o curve.png");
  CHECK(png_size(moons_folder().read("curve.png")).width == 1200);
}

TEST_CASE("plot: other dimensions have a training curve only") {
  const ProcessResult fits = in_moons_folder(
      "iflow toy moons -n 300 | awk -F, 'BEGIN {OFS = FS} {print $1}' > d1.csv &&"
      "iflow toy moons -n 300 | awk -F, 'BEGIN {OFS = FS; srand(1)}"
      " {print $1, $2, NR == 1 ? \"x3\" : rand()}' > d3.csv &&"
      "iflow fit d1.csv --blocks 1 --hidden 4 --steps 5 &&"
      "iflow fit d3.csv --blocks 1 --hidden 4 --steps 5");
  REQUIRE_MESSAGE(fits.exit_code == 0, fits.err);
  for (const std::string name : {"d1", "d3"}) {
    const ProcessResult r = in_moons_folder("iflow plot " + name + ".iflow -o " + name + ".png");
    CHECK(r.exit_code == 2);
    CHECK(contains(r.err, name == "d1" ? "has 1" : "has 3"));
    CHECK(contains(r.err, "--curve"));
    output_of("test ! -e " + name + ".png");
    output_of("iflow plot " + name + ".iflow --curve -o " + name + ".png");
  }
}

TEST_CASE("plot: exit codes") {
  const auto exit_code = [](const std::string& script) {
    return in_moons_folder(script).exit_code;
  };
  CHECK(exit_code("iflow plot moons.iflow") == 2);
  CHECK(exit_code("iflow plot moons.iflow moons.csv --curve -o x.png") == 2);
  CHECK(exit_code("iflow plot moons.iflow --curve --seed 1 -o x.png") == 2);
  CHECK(exit_code("iflow plot moons.iflow --na drop -o x.png") == 2);
  CHECK(exit_code("iflow plot moons.iflow -n 0 -o x.png") == 2);
  CHECK(exit_code("iflow plot moons.iflow none.csv -o x.png") == 3);
  CHECK(exit_code("iflow plot none.iflow -o x.png") == 4);
  CHECK(exit_code("iflow plot moons.iflow -o no/x.png") == 1);
  CHECK(exit_code("iflow plot moons.iflow --curve -o /dev/full") == 1);
}

}  // namespace
}  // namespace iflow::test
