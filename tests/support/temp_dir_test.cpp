#include "support/temp_dir.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace iflow::test {
namespace {

TEST_CASE("temp_dir: files go in, come out unchanged, and leave with the object") {
  std::filesystem::path path;
  {
    const TempDir dir;
    path = dir.path();
    const std::string bytes("a\0\r\n\xff", 5);
    CHECK(dir.write("x.bin", bytes) == dir / "x.bin");
    CHECK(dir.read("x.bin") == bytes);
    CHECK_THROWS_AS(dir.read("missing"), std::runtime_error);
    CHECK_THROWS_AS(dir.write("no/such/folder", ""), std::runtime_error);
    std::filesystem::create_directory(dir / "nested");
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("temp_dir: two are two") {
  const TempDir a;
  const TempDir b;
  CHECK(a.path() != b.path());
}

}  // namespace
}  // namespace iflow::test
