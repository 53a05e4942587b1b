#include "base/nearest.h"

#include <doctest/doctest.h>

#include <vector>

namespace iflow {
namespace {

TEST_CASE("nearest finds the word that was meant") {
  const std::vector<std::string> words = {"activation", "blocks", "seed", "steps", "threads"};
  CHECK(nearest("activaton", words) == "activation");
  CHECK(nearest("setps", words) == "steps");
  CHECK(nearest("thread", words) == "threads");
  CHECK(nearest("seed", words) == "seed");
}

TEST_CASE("nearest counts a swap of neighbours as one edit") {
  // "ab" is one swap or one deletion and one insertion away; "bxx" is two insertions away.
  CHECK(nearest("ba", std::vector<std::string>{"baxx", "ab"}) == "ab");
  CHECK(nearest("abcd", std::vector<std::string>{"abxy", "badc", "acbd"}) == "acbd");
}

TEST_CASE("nearest takes the first of equals, and nothing from nothing") {
  CHECK(nearest("x", std::vector<std::string>{"b", "a"}) == "b");
  CHECK(nearest("", std::vector<std::string>{"aa", "b"}) == "b");
  CHECK(nearest("x", std::vector<std::string>{}) == "");
}

}  // namespace
}  // namespace iflow
