// Bits per dimension of a model whose density is known in closed form.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "cli/small_fit.h"
#include "data/npy_writer.h"

namespace iflow::test {
namespace {

TEST_CASE("image units: bits/dim of independent normal pixels, for all bits") {
  const TempDir folder;
  for (const int bits : {8, 3}) {
    const double range = 1 << bits, mean = 0.4 * range, deviation = 0.3 * range;
    const ImageShape shape{2, 2, 1};
    Fit fit;
    fit.flow.dimension = shape.size();
    fit.flow.layers = {
        StandardiseConfig{std::vector<double>(4, mean), std::vector<double>(4, deviation)},
        ActNormConfig{}};
    fit.data.image = ImageRecord{shape, bits};
    fit.pixels.masses = {
        std::vector<double>(std::size_t{1} << static_cast<unsigned>(bits), 1 / range)};
    fit.settings.is_image = true;
    const std::size_t size = build_flow<float>(fit.flow).layout().size();
    for (auto* values :
         {&fit.state.raw, &fit.state.average, &fit.state.m, &fit.state.v, &fit.parameters}) {
      values->assign(size, 0);
    }
    const std::string name = "m" + std::to_string(bits) + ".iflow";
    {
      CheckpointWriter writer((folder / name).string());
      save_fit(writer, fit);
    }
    const std::vector<std::uint8_t> pixels = {0, 2, 5, 7};
    AtomicFile file((folder / "x.npy").string());
    write_npy(file, {shape, bits, pixels, {}});
    file.commit();

    // E over u in [0, 1) of -log2 p(x + u): the square's mean is that at the middle plus 1 / 12.
    // The density q of v = (x + u) / 2^b, in [0, 1], is 2^b p: -log2 q + b is the same.
    double nats = 0, unit_nats = 0;
    for (const std::uint8_t x : pixels) {
      const double off = x + 0.5 - mean, square = off * off + 1.0 / 12;
      nats += square / (2 * deviation * deviation) +
              std::log(deviation * std::sqrt(2 * std::numbers::pi));
      const double s = deviation / range;
      unit_nats +=
          square / (range * range) / (2 * s * s) + std::log(s * std::sqrt(2 * std::numbers::pi));
    }
    const double expected = nats / 4 / std::numbers::ln2;
    CHECK(unit_nats / 4 / std::numbers::ln2 + bits == doctest::Approx(expected).epsilon(1e-12));
    const ProcessResult r = run_shell(
        "iflow logprob " + name + " x.npy --bits-per-dim --draws 3000", {.cwd = folder.path()});
    REQUIRE_MESSAGE(r.exit_code == 0, r.err);
    const auto found = numbers_of(r.out, false)[0];
    CHECK(found[1] < 3e-3);
    CHECK(std::fabs(found[0] - expected) < 5 * found[1]);
  }
}

}  // namespace
}  // namespace iflow::test
