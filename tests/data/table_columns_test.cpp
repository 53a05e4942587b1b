#include "data/table_columns.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"

using namespace iflow;

namespace {

using Names = std::vector<std::string>;
using Indices = std::vector<std::size_t>;

ColumnSelection select(const Names& names, const TableOptions& options, bool has_header = true) {
  return select_columns("f.csv:1", names, has_header, options);
}

}  // namespace

TEST_CASE("all columns by default, in the file's order") {
  CHECK(select({"a", "b", "c"}, {}).values == Indices{0, 1, 2});
  CHECK(select({"a", "b", "c"}, {}).keep.empty());
}

TEST_CASE("--columns chooses and orders, --keep takes away") {
  CHECK(select({"a", "b", "c"}, {.columns = {"c", "a"}}).values == Indices{2, 0});
  const ColumnSelection kept = select({"a", "id", "b"}, {.keep = {"id"}});
  CHECK(kept.values == Indices{0, 2});
  CHECK(kept.keep == Indices{1});
  const ColumnSelection both = select({"a", "b"}, {.columns = {"a", "b"}, .keep = {"a"}});
  CHECK(both.values == Indices{0, 1});
  CHECK(both.keep == Indices{0});
}

TEST_CASE("a model's columns are found by name, in the model's order") {
  CHECK(select({"b", "a"}, {.expected = {"a", "b"}}).values == Indices{1, 0});
  CHECK(select({"b", "t", "a"}, {.columns = {"a", "b"}, .expected = {"a", "b"}}).values ==
        Indices{2, 0});
  CHECK(select({"b", "t", "a"}, {.keep = {"t"}, .expected = {"a", "b"}}).values == Indices{2, 0});
  // A column may be both.
  const ColumnSelection both = select({"b", "a"}, {.keep = {"a"}, .expected = {"a", "b"}});
  CHECK(both.values == Indices{1, 0});
  CHECK(both.keep == Indices{1});
}

TEST_CASE("without names on either side the number of columns decides") {
  const TableOptions named{.expected = {"a", "b"}};
  CHECK(select({"x1", "x2"}, named, false).values == Indices{0, 1});
  const TableOptions nameless{.expected = {"x1", "x2"}, .expected_has_header = false};
  CHECK(select({"a", "b"}, nameless).values == Indices{0, 1});
  CHECK_THROWS_WITH_AS(
      select({"x1", "x2", "x3"}, named, false),
      "f.csv:1: expected 2 columns (\"a\", \"b\"), got 3 (choose with --columns, pass through with "
      "--keep)",
      DataError);
}

TEST_CASE("missing and extra columns are named") {
  const TableOptions options{.expected = {"a", "b"}};
  CHECK_THROWS_WITH_AS(select({"a"}, options), "f.csv:1: missing 1 column: \"b\"", DataError);
  CHECK_THROWS_WITH_AS(select({"a", "b", "q"}, options),
                       "f.csv:1: 1 column the model does not have: \"q\" (choose with --columns, "
                       "pass through with --keep)",
                       DataError);
  CHECK_THROWS_WITH_AS(
      select({"p", "q"}, options),
      "f.csv:1: missing 2 columns: \"a\", \"b\"; 2 columns the model does not have: \"p\", \"q\" "
      "(choose with --columns, pass through with --keep)",
      DataError);
}

TEST_CASE("columns that can't be chosen") {
  CHECK_THROWS_WITH_AS(select({"a", "b"}, {.columns = {"c"}}),
                       "f.csv:1: no column \"c\" (the columns are \"a\", \"b\")", DataError);
  CHECK_THROWS_WITH_AS(select({"a", "b"}, {.keep = {"id"}}),
                       "f.csv:1: no column \"id\" (the columns are \"a\", \"b\")", DataError);
  CHECK_THROWS_WITH_AS(select({"a", "b"}, {.columns = {"a", "a"}}),
                       "f.csv:1: --columns names a column twice", DataError);
  CHECK_THROWS_WITH_AS(select({"a"}, {.keep = {"a"}}),
                       "f.csv:1: every column is passed through by --keep, none is left",
                       DataError);
}

TEST_CASE("a name that two columns have can't be used") {
  CHECK_THROWS_WITH_AS(select({"a", "b", "a"}, {}),
                       "f.csv:1:3: a second column \"a\"; rename one of them", DataError);
  CHECK(select({"a", "b", "a"}, {.columns = {"b"}}).values == Indices{1});
}

TEST_CASE("columns that come last, and columns that may be there") {
  CHECK(select({"a", "b", "c"}, {.last = {"a", "b"}}).values == Indices{2, 0, 1});
  const TableOptions by_name{.expected = {"a", "b", "c"}, .last = {"b"}};
  CHECK(select({"c", "b", "a"}, by_name).values == Indices{2, 0, 1});
  // By their number, columns are what the expected ones at their places are.
  CHECK(select({"x1", "x2", "x3"}, by_name, false).values == Indices{0, 2, 1});
  const TableOptions unused{.expected = {"a"}, .unused = {"b"}};
  CHECK(select({"b", "a"}, unused).values == Indices{1});
  CHECK(select({"a"}, unused).values == Indices{0});
  CHECK_THROWS_AS(select({"a", "b", "q"}, unused), DataError);
  CHECK_THROWS_AS(select({"b"}, unused), DataError);
  CHECK_THROWS_AS(select({"x1", "x2"}, unused, false), DataError);
}

TEST_CASE("a long list of columns is cut") {
  Names names;
  for (int i = 1; i <= 100; ++i) names.push_back("c" + std::to_string(i));
  try {
    select(names, {.columns = {"q"}});
    FAIL("expected an error");
  } catch (const DataError& error) {
    CHECK(std::string(error.what()).ends_with("\"c20\" and 80 more)"));
  }
}
