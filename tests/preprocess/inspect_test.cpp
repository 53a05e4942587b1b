#include "preprocess/inspect.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "support/output.h"

namespace iflow {
namespace {

using Cell = std::function<double(std::size_t row)>;

// A table with columns a, b, c, ... of which each cell is given by its row number.
Table table_of(std::size_t rows, const std::vector<Cell>& cells) {
  Table table;
  for (std::size_t j = 0; j < cells.size(); ++j) {
    table.columns.emplace_back(1, static_cast<char>('a' + j));
  }
  table.rows = rows;
  for (std::size_t i = 0; i < rows; ++i) {
    for (const Cell& cell : cells) table.values.push_back(cell(i));
  }
  return table;
}

Cell normal(std::uint64_t key) {
  return [key](std::size_t row) { return Rng(key, RngPurpose::kTest, row).normal(); };
}

// normal(key), but `value` in one row.
Cell with_outlier(std::uint64_t key, std::size_t where, double value) {
  return [=](std::size_t row) { return row == where ? value : normal(key)(row); };
}

std::string refusal(const Table& table) {
  try {
    inspect(table, "data.csv");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

using test::contains;

TEST_CASE("inspect: ordinary columns pass without a word, whatever their scales") {
  CHECK(inspect(table_of(500, {normal(1), normal(2)}), "data.csv").empty());
  const Cell tiny = [](std::size_t row) { return 1e-40 * normal(1)(row); };
  const Cell large = [](std::size_t row) { return 1e40 * normal(2)(row); };
  const Cell shifted = [](std::size_t row) { return 1.6e9 + normal(3)(row); };
  CHECK(inspect(table_of(500, {tiny, large, shifted}), "data.csv").empty());
}

TEST_CASE("inspect: heavy tails are no wild scales") {
  const Cell laplace = [](std::size_t row) {
    return -std::log(1 - Rng(1, RngPurpose::kTest, row).uniform());
  };
  const Cell lognormal = [](std::size_t row) { return std::exp(normal(2)(row)); };
  const Cell student = [](std::size_t row) {  // 3 degrees of freedom
    Rng rng(3, RngPurpose::kTest, row);
    const double a = rng.normal(), b = rng.normal(), c = rng.normal();
    return rng.normal() / std::sqrt((a * a + b * b + c * c) / 3);
  };
  CHECK(inspect(table_of(2000, {laplace, lognormal, student}), "data.csv").empty());
}

TEST_CASE("inspect: too few rows, and how many are needed") {
  CHECK(refusal(table_of(1, {normal(1)})) ==
        "data.csv: too few rows: a fit of 1 column needs at least 10, got 1");
  CHECK(contains(refusal(table_of(9, {normal(1), normal(2)})), "2 columns needs at least 10"));
  CHECK(refusal(table_of(10, {normal(1), normal(2)})).empty());
  std::vector<Cell> many;
  for (std::uint64_t j = 0; j < 12; ++j) many.push_back(normal(j));
  CHECK(contains(refusal(table_of(12, many)), "12 columns needs at least 13, got 12"));
  CHECK(contains(refusal(table_of(12, many)), "more rows than columns are needed"));
  CHECK(refusal(table_of(13, many)).empty());
}

TEST_CASE("inspect: a constant column is refused by name, with the way out") {
  const Cell constant = [](std::size_t) { return 0.1; };
  CHECK(refusal(table_of(50, {normal(1), constant, normal(2)})) ==
        "data.csv: column \"b\" is constant (0.1 in each row); drop it with --columns a,c");
  // One other number makes it no constant, though not a good column either.
  const Cell almost = [](std::size_t row) { return row == 7 ? 0.2 : 0.1; };
  const auto warnings = inspect(table_of(50, {normal(1), almost}), "data.csv");
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], "column \"b\": at least half of the rows hold one value"));
}

TEST_CASE("inspect: a repeated column is refused, both named") {
  CHECK(refusal(table_of(50, {normal(1), normal(2), normal(1)})) ==
        "data.csv: column \"c\" is the same as column \"a\"; drop it with --columns a,b");
  const Cell one_bit_off = [](std::size_t row) {
    const double x = normal(1)(row);
    return row == 3 ? std::nextafter(x, 10) : x;
  };
  CHECK(contains(refusal(table_of(50, {normal(1), one_bit_off})), "linear function"));
}

TEST_CASE("inspect: a linear function of other columns is refused") {
  const Cell sum = [](std::size_t row) { return 2 * normal(1)(row) - normal(2)(row) + 5; };
  CHECK(refusal(table_of(50, {normal(1), normal(2), sum, normal(3)})) ==
        "data.csv: column \"c\" is a linear function of columns \"a\", \"b\"; drop it with "
        "--columns a,b,d");
  // Those that have no part in it are not named.
  CHECK(contains(refusal(table_of(50, {normal(3), normal(1), normal(4), normal(2), sum})),
                 "column \"e\" is a linear function of columns \"b\", \"d\";"));
  const Cell scaled = [](std::size_t row) { return 1e6 - 1e-3 * normal(2)(row); };
  CHECK(contains(refusal(table_of(50, {normal(1), normal(2), normal(3), scaled})),
                 "column \"d\" is a linear function of column \"b\";"));
  const Cell noisy = [=](std::size_t row) { return sum(row) + 1e-5 * normal(4)(row); };
  CHECK(refusal(table_of(50, {normal(1), normal(2), noisy, normal(3)})).empty());
}

TEST_CASE("inspect: one wild value among ordinary ones is refused with its row") {
  const std::string text = refusal(table_of(200, {normal(1), with_outlier(2, 17, 1e30)}));
  CHECK(contains(text, "data.csv: column \"b\" holds 1e+30 in row 18, while half of the rows"));
  CHECK(contains(refusal(table_of(200, {with_outlier(2, 3, -1e30)})), "-1e+30 in row 4,"));
  // Few rows, and more than one of them wild.
  const Cell some = [](std::size_t row) { return row % 5 == 0 ? 1e30 : normal(1)(row); };
  CHECK(contains(refusal(table_of(20, {some})), "1e+30 in row 1,"));
}

TEST_CASE("inspect: a wild value is not hidden by a value that most rows share") {
  const Cell zeros = [](std::size_t row) {
    return row == 5 ? 1e30 : row % 3 == 0 ? normal(1)(row) : 0.0;
  };
  CHECK(contains(refusal(table_of(300, {zeros})), "1e+30 in row 6,"));
}

TEST_CASE("inspect: an outlier that a fit survives is a warning") {
  const auto warnings = inspect(table_of(500, {normal(1), with_outlier(2, 17, 1e5)}), "data.csv");
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0],
                 "data.csv: wild scale: column \"b\" holds 1e+05 in row 18, while half"));
}

TEST_CASE("inspect: numbers whose squares leave the range of a double") {
  const Cell huge = [](std::size_t row) { return 1e200 * normal(1)(row); };
  CHECK(contains(refusal(table_of(50, {huge})), "column \"a\" holds numbers beyond 1e100"));
  const Cell minute = [](std::size_t row) { return 1e-200 * normal(1)(row); };
  CHECK(contains(refusal(table_of(50, {minute})), "column \"a\" varies by less than 1e-100"));
}

TEST_CASE("inspect: integer columns are named in one warning") {
  const Cell die = [](std::size_t row) {
    return static_cast<double>(Rng(1, RngPurpose::kTest, row).below(6));
  };
  const Cell age = [](std::size_t row) { return std::round(50 + 20 * normal(2)(row)); };
  const auto warnings = inspect(table_of(100, {die, normal(1), age}), "data.csv");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] == "data.csv: columns \"a\", \"c\": integers only, treated as continuous");
  const Table table = table_of(100, {die, normal(1), age});
  const auto spread = inspect(table, "data.csv", find_lattices(table));
  REQUIRE(spread.size() == 1);
  CHECK(contains(spread[0], "columns \"a\", \"c\": integers only, spread evenly"));
}

TEST_CASE("inspect: a long list of columns is cut") {
  std::vector<Cell> integers;
  for (std::uint64_t j = 0; j < 8; ++j) {
    integers.push_back([j](std::size_t row) { return std::round(50 * normal(j)(row)); });
  }
  const auto warnings = inspect(table_of(100, integers), "data.csv");
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], "\"e\" and 3 more: integers"));
}

}  // namespace
}  // namespace iflow
