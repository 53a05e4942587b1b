#include "report/png.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/temp_dir.h"

// A decoder of its own for this test, independent of how the library reads images.
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#include <stb/stb_image.h>

namespace iflow {
namespace {

// Every component differs from its neighbours', so that a swap of any two would show.
Canvas gradient(int width, int height) {
  Canvas canvas(width, height, {1, 1, 1});
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      canvas.set_pixel(column, row,
                       {(7 * column + row) % 256 / 255.0, 13 * row % 256 / 255.0,
                        (column * row + 5) % 256 / 255.0});
    }
  }
  return canvas;
}

std::vector<unsigned char> decode(const unsigned char* png, std::size_t size, int& width,
                                  int& height) {
  int channels = 0;
  unsigned char* pixels =
      stbi_load_from_memory(png, static_cast<int>(size), &width, &height, &channels, 0);
  REQUIRE(pixels != nullptr);
  REQUIRE(channels == 3);
  std::vector<unsigned char> result(pixels, pixels + std::size_t{3} * width * height);
  stbi_image_free(pixels);
  return result;
}

TEST_CASE("a PNG decodes to the same pixels") {
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(257, 3), std::pair(61, 300)}) {
    const Canvas canvas = gradient(width, height);
    const std::vector<std::byte> png = encode_png(canvas);
    int decoded_width = 0, decoded_height = 0;
    const auto pixels = decode(reinterpret_cast<const unsigned char*>(png.data()), png.size(),
                               decoded_width, decoded_height);
    CHECK(decoded_width == width);
    CHECK(decoded_height == height);
    CHECK(pixels == canvas.rgb_bytes());
  }
}

TEST_CASE("components are rounded to the nearest of 256 levels, and clamped") {
  Canvas canvas(2, 1, {-0.5, 2, 0.5});
  canvas.set_pixel(1, 0, {0.4 / 255, 0.6 / 255, 254.6 / 255});
  CHECK(canvas.rgb_bytes() == std::vector<unsigned char>{0, 255, 128, 0, 1, 255});
}

TEST_CASE("write_png writes the encoded bytes") {
  const test::TempDir folder;
  const std::string path = (folder / "out.png").string();
  const Canvas canvas = gradient(20, 10);
  write_png(path, canvas);
  const std::vector<std::byte> png = encode_png(canvas);
  CHECK(folder.read("out.png") ==
        std::string(reinterpret_cast<const char*>(png.data()), png.size()));
}

TEST_CASE("a path that can't be written is named") {
  const test::TempDir folder;
  const std::string path = (folder / "no" / "such" / "out.png").string();
  try {
    write_png(path, gradient(2, 2));
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find(path) != std::string::npos);
  }
}

}  // namespace
}  // namespace iflow
