// Readers of images on damaged files: whatever comes in, images or a DataError come out.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "data/image_fixture.h"
#include "data/image_reader.h"
#include "data/npy_writer.h"
#include "support/damage.h"
#include "support/temp_dir.h"

namespace iflow::test {
namespace {

// Whether a file with these bytes is read.
bool is_readable(const TempDir& folder, const std::string& name, const std::string& bytes) {
  // A new file each time: file systems flush one that is written over.
  std::filesystem::remove(folder / name);
  const std::string path = folder.write(name, bytes).string();
  holds_images(path);
  try {
    const Images images = read_images(path);
    REQUIRE(images.count() > 0);
    REQUIRE(images.pixels.size() == images.count() * images.shape.size());
  } catch (const DataError& error) {
    REQUIRE(std::string(error.what()).starts_with(path));
    return false;
  }
  return true;
}

// How many of `rounds` damaged versions of a file are read all the same.
int readable_of(const std::string& name, const std::string& bytes, std::uint64_t seed, int rounds) {
  const TempDir folder;
  REQUIRE(is_readable(folder, name, bytes));
  Rng rng(1, RngPurpose::kTest, seed);
  int readable = 0;
  for (int round = 0; round < rounds; ++round) {
    readable += is_readable(folder, name, damaged(bytes, rng)) ? 1 : 0;
  }
  return readable;
}

TEST_CASE("damaged IDX, plain and compressed") {
  const std::string bytes = idx_of({3, 5, 4}, bytes_of(random_picture({3, 5, 4}, 1).pixels));
  const int plain = readable_of("f.idx", bytes, 11, 2000);
  CHECK(plain > 100);  // bytes of pixels
  CHECK(plain < 1900);
  CHECK(readable_of("f.idx.gz", gzipped(bytes), 12, 500) < 100);
}

TEST_CASE("damaged .npy of images") {
  const TempDir folder;
  AtomicFile file((folder / "x.npy").string());
  write_npy(file, {{5, 4, 1}, 8, random_picture({6, 20, 1}, 2).pixels, {}});
  file.commit();
  const int readable = readable_of("f.npy", folder.read("x.npy"), 13, 2000);
  CHECK(readable > 100);
  CHECK(readable < 1900);
}

TEST_CASE("damaged PNG: its checksums find all of it") {
  // Nothing but a doubled or lost byte behind the last chunk can go unseen.
  CHECK(readable_of("f.png", png_of(random_picture({8, 8, 3}, 3)), 14, 2000) < 20);
}

// Chunks whose checksums are right and whose contents are not, so that the decoder sees them.
TEST_CASE("damaged PNG with its checksums mended") {
  const TempDir folder;
  const std::string png = png_of(random_picture({8, 8, 3}, 4));
  Rng rng(1, RngPurpose::kTest, 15);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = png;
    for (std::uint64_t change = 0, count = 1 + rng.below(4); change < count; ++change) {
      bytes[8 + rng.below(bytes.size() - 8)] = static_cast<char>(rng.below(256));
    }
    for (std::size_t at = 8; at + 12 <= bytes.size();) {
      std::size_t length = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        length = length << 8U | static_cast<unsigned char>(bytes[at + i]);
      }
      if (length > bytes.size() - at - 12) break;
      const uLong sum =
          crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()) + at + 4, length + 4);
      for (std::size_t i = 0; i < 4; ++i) {
        bytes[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i) & 0xFFU);
      }
      at += 12 + length;
    }
    is_readable(folder, "f.png", bytes);
  }
}

}  // namespace
}  // namespace iflow::test
