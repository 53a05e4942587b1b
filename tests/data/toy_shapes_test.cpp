#include "data/toy_shapes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "data/image_reader.h"

namespace iflow {
namespace {

TEST_CASE("shapes: an image depends on its own number alone") {
  const Images all = sample_shapes(3, 0, 20), some = sample_shapes(3, 5, 4);
  REQUIRE(all.count() == 20);
  CHECK(all.shape == ImageShape{8, 8, 1});
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(std::equal(some.image(i).begin(), some.image(i).end(), all.image(5 + i).begin()));
  }
  CHECK(sample_shapes(4, 0, 20).pixels != all.pixels);
}

TEST_CASE("shapes: as much ink as the recipe has area") {
  // A disc lies within the image: pi E r^2 = pi (1.5^2 + 1.5 + 1/3). So does all of a bar but its
  // ends: 6 E 2w = 9, less a little.
  constexpr std::size_t kImages = 4000;
  const Images images = sample_shapes(1, 0, kImages);
  const double ink = std::accumulate(images.pixels.begin(), images.pixels.end(), 0.0) / 255;
  const double disc = std::numbers::pi * (2.25 + 1.5 + 1.0 / 3), bar = 9;
  const double mean = ink / static_cast<double>(kImages);
  CHECK(mean < (disc + bar) / 2 + 0.15);
  CHECK(mean > (disc + bar) / 2 - 0.6);
}

TEST_CASE("shapes: data/shapes.npy is what its command makes") {
  const Images stored = read_images(std::string(IFLOW_SOURCE_DIR) + "/data/shapes.npy");
  CHECK(stored.pixels == sample_shapes(0, 0, 500).pixels);
}

}  // namespace
}  // namespace iflow
