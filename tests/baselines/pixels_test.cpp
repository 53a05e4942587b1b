#include "baselines/pixels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace iflow {
namespace {

TEST_CASE("pixels: every value once more than it was seen, over the images meant") {
  const Images images{{1, 2, 1}, 2, {0, 1, 3, 3, 3, 1}, {}};
  const PixelHistogram histogram = fit_pixels(images, std::vector<std::size_t>{0, 2});
  CHECK(histogram.masses == std::vector<std::vector<double>>{{2. / 8, 3. / 8, 1. / 8, 2. / 8}});
  const double log_p = log_probability(histogram, std::vector<std::uint8_t>{3, 1, 1});
  CHECK(log_p == doctest::Approx(std::log(2. / 8 * 3. / 8 * 3. / 8)).epsilon(1e-14));
}

TEST_CASE("pixels: channels apart") {
  const Images images{{1, 2, 3}, 1, {0, 1, 1, 0, 0, 1}, {}};
  const PixelHistogram histogram = fit_pixels(images, std::vector<std::size_t>{0});
  using Masses = std::vector<double>;
  CHECK(histogram.masses ==
        std::vector<Masses>{{3. / 4, 1. / 4}, {2. / 4, 2. / 4}, {1. / 4, 3. / 4}});
  // Probabilities of all images of one pixel sum to 1.
  double sum = 0;
  for (int image = 0; image < 8; ++image) {
    std::vector<std::uint8_t> bits;
    for (int i = 0; i < 3; ++i) bits.push_back(static_cast<std::uint8_t>(image >> i & 1));
    sum += std::exp(log_probability(histogram, bits));
  }
  CHECK(sum == doctest::Approx(1).epsilon(1e-14));
}

}  // namespace
}  // namespace iflow
