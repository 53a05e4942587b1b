#include "data/image_reader.h"

#include <doctest/doctest.h>
#include <stb_image_write.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/image_fixture.h"
#include "data/npy_writer.h"
#include "support/damage.h"
#include "support/output.h"
#include "support/temp_dir.h"

namespace iflow::test {
namespace {

constexpr ImageShape kGrey{5, 4, 1}, kColour{5, 4, 3};

// The message of the DataError that reading the file ends with.
std::string error_of(const std::string& path, const ImageOptions& options = {}) {
  try {
    read_images(path, options);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of_bytes(const std::string& name, const std::string& bytes) {
  const TempDir folder;
  const std::string path = folder.write(name, bytes).string();
  const std::string message = error_of(path);
  return message.starts_with(path) ? name + message.substr(path.size()) : message;
}

void append_to(void* text, void* data, int size) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(data),
                                          static_cast<std::size_t>(size));
}

std::string jpeg_of(const Picture& picture) {
  std::string bytes;
  stbi_write_jpg_to_func(append_to, &bytes, static_cast<int>(picture.shape.width),
                         static_cast<int>(picture.shape.height),
                         static_cast<int>(picture.shape.channels), picture.pixels.data(), 95);
  return bytes;
}

// A PNG as programs write them, with an alpha channel.
std::string png_with_alpha(const std::vector<std::uint8_t>& rgba, int height, int width) {
  std::string bytes;
  stbi_write_png_to_func(append_to, &bytes, width, height, 4, rgba.data(), 4 * width);
  return bytes;
}

TEST_CASE("images: IDX of three and four dimensions, plain and compressed") {
  const TempDir folder;
  const Picture grey = random_picture({3, 5, 4}, 1);  // three images of 5 x 4
  for (const std::string name : {"a.idx", "a"}) {
    const std::string bytes = idx_of({3, 5, 4}, bytes_of(grey.pixels));
    for (const std::string& file : {bytes, gzipped(bytes)}) {
      const Images images = read_images(folder.write(name, file).string());
      CHECK(images.shape == kGrey);
      CHECK(images.count() == 3);
      CHECK(images.pixels == grey.pixels);
      CHECK(images.names.empty());
    }
  }
  const Picture colour = random_picture({2 * 5, 4, 3}, 2);
  const Images images =
      read_images(folder.write("c", idx_of({2, 5, 4, 3}, bytes_of(colour.pixels))).string());
  CHECK(images.shape == kColour);
  CHECK(images.pixels == colour.pixels);
}

TEST_CASE("images: .npy as written, in pieces as at once") {
  const TempDir folder;
  for (const ImageShape& shape : {kGrey, kColour}) {
    Images images{shape, 8, random_picture({7, shape.size(), 1}, 3).pixels, {}};
    AtomicFile file((folder / "x.npy").string());
    write_npy(file, images);
    file.commit();
    const std::string path = (folder / "x.npy").string();
    CHECK(read_images(path).pixels == images.pixels);
    CHECK(read_images(path).shape == shape);
    ImageReader reader(path);
    CHECK(reader.count() == 7);
    Images piece;
    std::vector<std::uint8_t> pixels;
    while (reader.next(3, piece)) {
      pixels.insert(pixels.end(), piece.pixels.begin(), piece.pixels.end());
      CHECK(pixels.size() == reader.position() * shape.size());
    }
    CHECK(pixels == images.pixels);
  }
}

TEST_CASE("images: PNG byte for byte, JPEG about") {
  const TempDir folder;
  for (const ImageShape& shape : {kGrey, kColour}) {
    const Picture picture = random_picture(shape, 4);
    const Images png = read_images(folder.write("p.png", png_of(picture)).string());
    CHECK(png.shape == shape);
    CHECK(png.pixels == picture.pixels);
    CHECK(png.names == std::vector<std::string>{"p.png"});
  }
  Picture smooth{{16, 16, 1}, {}};
  for (int i = 0; i < 256; ++i) smooth.pixels.push_back(static_cast<std::uint8_t>(i / 16 * 9 + 50));
  const Images jpeg = read_images(folder.write("p.jpg", jpeg_of(smooth)).string());
  // stb writes grey as three equal channels.
  REQUIRE(jpeg.shape == ImageShape{16, 16, 3});
  for (std::size_t i = 0; i < 256; ++i) {
    CHECK(std::abs(jpeg.pixels[3 * i] - smooth.pixels[i]) <= 4);
  }
}

TEST_CASE("images: opaque alpha is dropped, transparency refused") {
  const TempDir folder;
  std::vector<std::uint8_t> rgba = {1, 2, 3, 255, 4, 5, 6, 255};
  const Images images = read_images(folder.write("a.png", png_with_alpha(rgba, 1, 2)).string());
  CHECK(images.shape == ImageShape{1, 2, 3});
  CHECK(images.pixels == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  rgba[7] = 254;
  CHECK(contains(error_of_bytes("a.png", png_with_alpha(rgba, 1, 2)), "a.png: has transparent"));
}

TEST_CASE("images: a folder, nested, sorted by path") {
  const TempDir folder;
  std::filesystem::create_directories(folder / "in/b");
  std::filesystem::create_directories(folder / "in/.hidden");
  const Picture a = random_picture(kGrey, 5), b = random_picture(kGrey, 6);
  folder.write("in/z.PNG", png_of(a));
  folder.write("in/b/1.png", png_of(b));
  folder.write("in/.hidden/2.png", "no picture");
  folder.write("in/notes.txt", "no picture");
  for (const std::string path : {"in", "in/", "in//"}) {
    const Images images = read_images((folder / path).string());
    CHECK(images.names == std::vector<std::string>{"b/1.png", "z.PNG"});
    CHECK(bytes_of(images.pixels) == bytes_of(b.pixels) + bytes_of(a.pixels));
  }
  folder.write("in/c.png", png_of(random_picture({4, 5, 1}, 7)));
  const std::string mixed = error_of((folder / "in").string());
  CHECK(contains(mixed, "in/c.png: 4x5 grey, but "));
  CHECK(contains(mixed, "in/b/1.png is 5x4 grey"));
  folder.write("in/c.png", "");
  CHECK(contains(error_of((folder / "in").string()), "in/c.png: the file is empty"));
  std::filesystem::create_directories(folder / "none");
  CHECK(contains(error_of((folder / "none").string()), "none: a folder without PNG or JPEG"));
}

TEST_CASE("images: cropped to the middle, resized to means, reduced to fewer bits") {
  const TempDir folder;
  // 4 x 6: rows of 0, 10, 20, 30 plus the column
  Picture picture{{4, 6, 1}, {}};
  for (int i = 0; i < 24; ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(i / 6 * 10 + i % 6));
  }
  const std::string path = folder.write("p.png", png_of(picture)).string();
  const auto pixels = [&](const ImageOptions& options) {
    return read_images(path, options).pixels;
  };
  using Pixels = std::vector<std::uint8_t>;
  CHECK(pixels({.crop = ImageSize{2, 2}}) == Pixels{12, 13, 22, 23});
  CHECK(pixels({.crop = ImageSize{1, 3}}) == Pixels{11, 12, 13});
  CHECK(pixels({.resize = ImageSize{2, 2}}) == Pixels{6, 9, 26, 29});
  CHECK(pixels({.resize = ImageSize{4, 6}}) == picture.pixels);
  // A column of 1.5 old ones: (0 + .5 * 1) / 1.5 and so on, of the means over the rows.
  CHECK(pixels({.resize = ImageSize{1, 4}}) == Pixels{15, 17, 18, 20});
  CHECK(pixels({.crop = ImageSize{2, 2}, .resize = ImageSize{1, 1}}) == Pixels{18});
  CHECK(pixels({.bits = 3, .crop = ImageSize{1, 1}}) == Pixels{0});
  CHECK(pixels({.bits = 5, .crop = ImageSize{2, 2}}) == Pixels{1, 1, 2, 2});
  CHECK(contains(error_of(path, {.crop = ImageSize{5, 2}}), "4x6 grey, smaller than --crop 5x2"));
}

TEST_CASE("images: fewer bits come back from 8") {
  for (int bits = 1; bits <= 8; ++bits) {
    for (int v = 0; v < 1 << bits; ++v) {
      const auto value = static_cast<std::uint8_t>(v);
      CHECK(from_8_bits(to_8_bits(value, bits), bits) == value);
    }
    CHECK(to_8_bits(static_cast<std::uint8_t>((1 << bits) - 1), bits) == 255);
  }
}

TEST_CASE("images: the hash is of shape, bits and pixels") {
  const Images images{kGrey, 8, random_picture({2, 20, 1}, 8).pixels, {}};
  Images other = images;
  other.names = {"a", "b"};
  CHECK(content_hash(other) == content_hash(images));
  other.shape = {4, 5, 1};
  CHECK(content_hash(other) != content_hash(images));
  other = images;
  other.bits = 7;
  CHECK(content_hash(other) != content_hash(images));
  other = images;
  other.pixels[3] ^= 1;
  CHECK(content_hash(other) != content_hash(images));
}

TEST_CASE("images: headers that lie") {
  const std::string two = std::string(40, 'p');
  CHECK(error_of_bytes("a", idx_of({2, 5, 4}, two)) == "no error");
  CHECK(contains(error_of_bytes("a", idx_of({3, 5, 4}, two)),
                 "a: the header promises 3 images, 5x4 grey, of 20 bytes each, but 40 bytes "
                 "follow"));
  CHECK(contains(error_of_bytes("a", idx_of({1, 5, 4}, two)), "but 40 bytes follow"));
  CHECK(contains(error_of_bytes("a.gz", gzipped(idx_of({3, 5, 4}, two))),
                 "but the file ends in image 3"));
  CHECK(contains(error_of_bytes("a.gz", gzipped(idx_of({1, 5, 4}, two))), "but more bytes follow"));
  const std::uint32_t huge = 0xFFFFFFFF;
  CHECK(contains(error_of_bytes("a", idx_of({huge, huge, huge}, two)), "pixels are too many"));
  CHECK(contains(error_of_bytes("a", idx_of({huge, 5, 4}, two)), "but 40 bytes follow"));
  CHECK(contains(error_of_bytes("a.gz", gzipped(idx_of({huge, 8192, 8192}, two))),
                 "but the file ends in image 1"));
  CHECK(contains(error_of_bytes("a", idx_of({0, 5, 4}, "")), "no images"));
  CHECK(contains(error_of_bytes("a", idx_of({2, 0, 4}, "")), "without pixels"));
  CHECK(contains(error_of_bytes("a", idx_of({2, 5, 2, 2}, two)), "images of 2 channels"));
  CHECK(contains(error_of_bytes("a", idx_of({2}, "ab")), "labels, not images"));
  CHECK(contains(error_of_bytes("a", idx_of({2, 5, 4}, two).substr(0, 9)), "header is cut short"));
  std::string floats = idx_of({2, 5, 4}, two);
  floats[2] = 0x0D;
  CHECK(contains(error_of_bytes("a", floats), "another type than unsigned bytes"));
}

TEST_CASE("images: gzip that ends early") {
  const std::string whole =
      gzipped(idx_of({3, 5, 4}, bytes_of(random_picture({3, 5, 4}, 1).pixels)));
  CHECK(contains(error_of_bytes("a.gz", whole.substr(0, whole.size() / 2)), "cut short"));
}

TEST_CASE("images: what is no image") {
  CHECK(contains(error_of_bytes("a.csv", "a,b\n1,2\n"), "a.csv: no images: neither PNG"));
  CHECK(contains(error_of_bytes("a.png", ""), "a.png: the file is empty"));
  CHECK(contains(error_of("none.png"), "none.png: "));
  const std::string png = png_of(random_picture(kColour, 9));
  for (std::size_t length = 1; length < png.size(); length += 3) {
    CHECK(contains(error_of_bytes("a.png", png.substr(0, length)), "a.png: "));
  }
  CHECK(contains(error_of_bytes("a.png", png.substr(0, png.size() - 1)), "the PNG is cut short"));
  std::string damaged_png = png;
  damaged_png[50] ^= 4;
  CHECK(contains(error_of_bytes("a.png", damaged_png), "the PNG is damaged"));
  const std::string jpeg = jpeg_of(random_picture({16, 16, 3}, 10));
  CHECK(
      contains(error_of_bytes("a.jpg", jpeg.substr(0, jpeg.size() - 2)), "the JPEG is cut short"));
  CHECK(contains(error_of_bytes("a.jpg", jpeg.substr(0, 100)), "a.jpg: "));
}

TEST_CASE("images: 20,000 x 20,000 is refused by the header") {
  // The header and the end of a PNG, with true checksums and nothing between.
  const auto chunk = [](const std::string& type, const std::string& data) {
    const std::string body = type + data;
    const uLong sum =
        crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<unsigned>(body.size()));
    std::string text;
    for (const auto number : {static_cast<std::uint32_t>(data.size())}) {
      for (int s = 24; s >= 0; s -= 8) text += static_cast<char>(number >> s & 0xFFU);
    }
    text += body;
    for (int s = 24; s >= 0; s -= 8) text += static_cast<char>(sum >> s & 0xFFU);
    return text;
  };
  const std::string header("\0\0\x4E\x20\0\0\x4E\x20\x08\0\0\0\0", 13);
  const std::string png =
      "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", "x") + chunk("IEND", "");
  CHECK(
      contains(error_of_bytes("a.png", png), "a.png: 20000 x 20000 pixels are too many; at most"));
}

TEST_CASE("images: which inputs hold images") {
  const TempDir folder;
  const auto holds = [&](const std::string& name, const std::string& bytes) {
    return holds_images(folder.write(name, bytes).string());
  };
  CHECK(holds_images(folder.path().string()));
  CHECK(holds("a", png_of(random_picture(kGrey, 1))));
  CHECK(holds("b.png", ""));
  CHECK(holds("c.JPEG", ""));
  CHECK(holds("d", idx_of({1, 1, 1}, "x")));
  CHECK(holds("e.gz", gzipped(idx_of({1, 1, 1}, "x"))));
  CHECK(holds("train-images-idx3-ubyte.gz", ""));
  CHECK_FALSE(holds("f.csv", "a,b\n1,2\n"));
  CHECK_FALSE(holds("g.csv", ""));
  CHECK_FALSE(holds_images("-"));
  CHECK_FALSE(holds_images((folder / "none.csv").string()));
  {
    NpyWriter table((folder / "t.npy").string(), 1, 2);
    table.write(std::vector<double>{1, 2});
    table.finish();
  }
  CHECK_FALSE(holds_images((folder / "t.npy").string()));
  AtomicFile file((folder / "i.npy").string());
  write_npy(file, {kGrey, 8, std::vector<std::uint8_t>(20), {}});
  file.commit();
  CHECK(holds_images((folder / "i.npy").string()));
}

}  // namespace
}  // namespace iflow::test
