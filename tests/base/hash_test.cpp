#include "base/hash.h"

#include <doctest/doctest.h>

#include <string_view>

namespace iflow {
namespace {

std::string hash_of(std::string_view text) { return hash_hex(std::as_bytes(std::span(text))); }

// Expected values as printed by xxh128sum.
TEST_CASE("hash_hex is XXH3-128 as xxh128sum prints it") {
  CHECK(hash_of("") == "99aa06d3014798d86001c324468d497f");
  CHECK(hash_of("a") == "a96faf705af16834e6c632b61e964e1f");
  CHECK(hash_of("iflow") == "21ee88fb1c51f7cae3a5a5cba35f33ef");
}

TEST_CASE("hash_hex tells apart what differs in one bit or in length") {
  CHECK(hash_of(std::string_view("\0", 1)) != hash_of(""));
  CHECK(hash_of("moons") != hash_of("moonr"));
}

}  // namespace
}  // namespace iflow
