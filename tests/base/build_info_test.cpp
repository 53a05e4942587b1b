#include "base/build_info.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace iflow {
namespace {

TEST_CASE("build_info: the version is the one CMakeLists.txt states") {
  std::ifstream file(IFLOW_SOURCE_DIR "/CMakeLists.txt");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  CHECK(text.find("project(iflow VERSION " + build_info().version + " ") != std::string::npos);
}

TEST_CASE("build_info: names the compiler and agrees with this file's instruction set") {
  const BuildInfo info = build_info();
  CHECK(info.compiler.find(' ') != std::string::npos);
#if defined(__AVX512F__)
  CHECK(info.simd == "AVX-512");
#else
  CHECK(info.simd != "AVX-512");
#endif
#if defined(__SANITIZE_ADDRESS__)
  CHECK(info.sanitizers.find("address") != std::string::npos);
#else
  CHECK(info.sanitizers.find("address") == std::string::npos);
#endif
}

}  // namespace
}  // namespace iflow
