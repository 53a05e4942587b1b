#include "base/rng.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <set>
#include <vector>

namespace iflow {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Pearson's statistic of `counts` against equal chances, as a number of standard deviations from
// its mean.
double chi_square_deviation(const std::vector<std::size_t>& counts) {
  double n = 0, sum = 0;
  for (const std::size_t c : counts) n += static_cast<double>(c);
  const double expected = n / static_cast<double>(counts.size());
  for (const std::size_t c : counts) {
    sum += (static_cast<double>(c) - expected) * (static_cast<double>(c) - expected) / expected;
  }
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST_CASE("philox gives the published answers") {
  // kat_vectors of the authors' Random123 distribution: philox4x32, 10 rounds.
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is a function of seed, purpose, a and b") {
  Rng one(1, RngPurpose::kTest, 2, 3), same(1, RngPurpose::kTest, 2, 3);
  for (int i = 0; i < 100; ++i) CHECK(one.next_u32() == same.next_u32());

  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    for (const RngPurpose purpose : {RngPurpose::kToy, RngPurpose::kLatent, RngPurpose::kTest}) {
      for (const std::uint64_t a : {0ULL, 1ULL, 2ULL, 1ULL << 32U, 1ULL << 63U}) {
        for (std::uint32_t b = 0; b < 3; ++b) {
          Rng rng(seed, purpose, a, b);
          for (int i = 0; i < 4; ++i) firsts.insert(rng.next_u64());
        }
      }
    }
  }
  CHECK(firsts.size() == 5 * 3 * 5 * 3 * 4);
}

TEST_CASE("uniform numbers are uniform and within [0, 1)") {
  Rng rng(1, RngPurpose::kTest);
  std::vector<std::size_t> bins(64, 0);
  constexpr int kDraws = 200000;
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    ++bins[static_cast<std::size_t>(u * 64)];
    sum += u;
  }
  CHECK(std::fabs(chi_square_deviation(bins)) < 4);
  CHECK(std::fabs(sum / kDraws - 0.5) < 4 * std::sqrt(1.0 / 12 / kDraws));
}

TEST_CASE("the first numbers of neighbouring streams are uniform and unrelated") {
  // Pairs (first number of stream a, first number of stream a + 1) over an 8 x 8 grid.
  std::vector<std::size_t> pairs(64, 0), purposes(64, 0), seeds(64, 0);
  const auto first = [](std::uint64_t seed, RngPurpose purpose, std::uint64_t a) {
    return static_cast<std::size_t>(Rng(seed, purpose, a).uniform() * 8);
  };
  for (std::uint64_t a = 0; a < 40000; ++a) {
    const std::size_t here = first(1, RngPurpose::kTest, a);
    ++pairs[here * 8 + first(1, RngPurpose::kTest, a + 1)];
    ++purposes[here * 8 + first(1, RngPurpose::kLatent, a)];
    ++seeds[here * 8 + first(2, RngPurpose::kTest, a)];
  }
  CHECK(std::fabs(chi_square_deviation(pairs)) < 4);
  CHECK(std::fabs(chi_square_deviation(purposes)) < 4);
  CHECK(std::fabs(chi_square_deviation(seeds)) < 4);
}

TEST_CASE("below is uniform without bias and stays below") {
  Rng rng(3, RngPurpose::kTest);
  for (const std::uint64_t n : {1ULL, 2ULL, 3ULL, 7ULL, 100ULL}) {
    std::vector<std::size_t> counts(n, 0);
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t x = rng.below(n);
      REQUIRE(x < n);
      ++counts[x];
    }
    if (n > 1) CHECK(std::fabs(chi_square_deviation(counts)) < 4);
  }
  // Of 3/4 of all 64-bit numbers a remainder would favour the lower third two to one.
  const std::uint64_t large = 3ULL << 62U;
  std::vector<std::size_t> thirds(3, 0);
  for (int i = 0; i < 3000; ++i) ++thirds[rng.below(large) >> 62U];
  CHECK(std::fabs(chi_square_deviation(thirds)) < 4);
}

TEST_CASE("normal numbers have the moments and tails of a standard normal") {
  Rng rng(4, RngPurpose::kTest);
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0, cubes = 0, fourths = 0, neighbours = 0, before = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    fourths += x * x * x * x;
    neighbours += x * before;
    before = x;
    beyond_two += std::fabs(x) > 2;
  }
  // Four standard errors each.
  const double unit = 4 / std::sqrt(static_cast<double>(kDraws));
  CHECK(std::fabs(sum / kDraws) < unit);
  CHECK(std::fabs(squares / kDraws - 1) < std::sqrt(2) * unit);
  CHECK(std::fabs(cubes / kDraws) < std::sqrt(15) * unit);
  CHECK(std::fabs(fourths / kDraws - 3) < std::sqrt(96) * unit);
  CHECK(std::fabs(neighbours / kDraws) < unit);
  const double p = std::erfc(std::sqrt(2));
  CHECK(std::fabs(beyond_two / static_cast<double>(kDraws) - p) < std::sqrt(p * (1 - p)) * unit);
}

}  // namespace
}  // namespace iflow
