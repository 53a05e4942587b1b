#include "mixture/stack_rows.h"

#include <doctest/doctest.h>

#include <set>

#include "base/error.h"
#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

using Eigen::Index;

TEST_CASE("equal rows are one of more weight, in order of first appearance") {
  const std::vector<double> rows = {5, 5, 1, 2, 3, 4, 1, 2, 7, 8, 9, 9, 6, 6};
  const std::vector<double> weights = {1, 1, 2, 3, 1, 0, 1};
  const DistinctRows distinct = distinct_rows(rows, 2, weights, 0);
  CHECK(distinct.data.rows.rows() == 5);
  CHECK(distinct.data.rows(0, 0) == 5);
  CHECK(distinct.of[1] == Index{1});
  CHECK(distinct.of[3] == Index{1});
  CHECK_FALSE(distinct.of[5].has_value());
  // 1, 4, 2, 1, 1: worth 81 / 23 rows
  CHECK(distinct.data.weights.sum() == doctest::Approx(81.0 / 23));
  CHECK(distinct.data.weights(1) / distinct.data.weights(0) == doctest::Approx(4));
}

TEST_CASE("of many rows some are used") {
  const DistinctRows distinct = distinct_rows(normal_numbers(1, 13000), 1, {}, 0);
  CHECK(distinct.data.rows.rows() == 12000);
}

TEST_CASE("folds hold every row out once; a single split so many") {
  for (const std::size_t folds : {1, 5}) {
    const std::vector<TrainingSet> sets = draw_sets(33, folds, 7, 2);
    REQUIRE(sets.size() == folds);
    std::multiset<Index> held;
    for (const TrainingSet& set : sets) {
      held.insert(set.held.begin(), set.held.end());
      std::set<Index> all(set.train.begin(), set.train.end());
      CHECK(all.size() == set.train.size());
      all.insert(set.held.begin(), set.held.end());
      CHECK(all.size() == 33);
    }
    CHECK(held.size() == (folds == 1 ? 7 : 33));
    CHECK(std::set<Index>(held.begin(), held.end()).size() == held.size());
  }
}

TEST_CASE("four rows that differ are too few") {
  CHECK_THROWS_AS(distinct_rows(std::vector<double>{1, 2, 3, 4, 4, 4}, 1, {}, 0), DataError);
}

}  // namespace
}  // namespace iflow
