#include "data/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/error.h"

using namespace iflow;

namespace {

void check_is_partition(const Split& split, std::size_t rows) {
  CHECK(std::is_sorted(split.training.begin(), split.training.end()));
  CHECK(std::is_sorted(split.validation.begin(), split.validation.end()));
  std::vector<int> seen(rows, 0);
  for (const std::size_t row : split.training) ++seen.at(row);
  for (const std::size_t row : split.validation) ++seen.at(row);
  CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
}

}  // namespace

TEST_CASE("every row trains or validates, in the proportion asked for") {
  for (const std::size_t rows : {2u, 3u, 10u, 1000u}) {
    for (const double fraction : {0.01, 0.1, 0.5, 0.99}) {
      const Split split = split_rows(rows, fraction, 1);
      check_is_partition(split, rows);
      CHECK(!split.training.empty());
      CHECK(!split.validation.empty());
    }
  }
  CHECK(split_rows(1000, 0.1, 1).validation.size() == 100);
  CHECK(split_rows(10, 0.26, 1).validation.size() == 3);
}

TEST_CASE("a fraction of zero holds nothing out") {
  const Split split = split_rows(5, 0, 1);
  CHECK(split.validation.empty());
  check_is_partition(split, 5);
}

TEST_CASE("the split depends on the seed alone") {
  CHECK(split_rows(500, 0.2, 7).validation == split_rows(500, 0.2, 7).validation);
  CHECK(split_rows(500, 0.2, 7).validation != split_rows(500, 0.2, 8).validation);
}

TEST_CASE("every row has the same chance to be held out") {
  // 4000 seeds; a row's count is binomial(4000, 0.3): mean 1200, standard deviation 29.
  constexpr std::size_t kRows = 10;
  std::vector<int> held_out(kRows, 0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    for (const std::size_t row : split_rows(kRows, 0.3, seed).validation) ++held_out[row];
  }
  for (const int count : held_out) CHECK(std::abs(count - 1200) < 5 * 29);
}

TEST_CASE("what can't be split") {
  CHECK_THROWS_WITH_AS(split_rows(1, 0.1, 1),
                       "too few rows (1) to train and hold some out for validation", DataError);
  CHECK_THROWS_WITH_AS(split_rows(0, 0, 1), "too few rows (0) to train", DataError);
  for (const double fraction : {-0.1, 1.0, std::nan("")}) {
    CHECK_THROWS_WITH_AS(split_rows(10, fraction, 1),
                         "the validation fraction must be at least 0 and below 1", UsageError);
  }
}
