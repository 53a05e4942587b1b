// A table of numbers in memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace iflow {

struct Table {
  std::vector<std::string> columns;  // names; x1, x2, ... where the source has none
  bool has_header = false;           // whether the source gave the names
  std::size_t rows = 0;
  std::vector<double> values;  // [rows][columns], finite
  // Rows of the source left out for missing values, by their index in it, ascending.
  std::vector<std::size_t> dropped;

  std::span<const double> row(std::size_t index) const {
    return {values.data() + index * columns.size(), columns.size()};
  }
};

// The number in the source, from 1, of row `index` of a table. `dropped`: of the table.
std::size_t number_in_source(std::size_t index, const std::vector<std::size_t>& dropped);

// The names x1, x2, ..., x<count> of columns without names.
std::vector<std::string> default_column_names(std::size_t count);

// Takes the column out of the table and returns its values.
std::vector<double> take_column(Table& table, std::size_t index);

// The table with one more column behind its others. values: (rows)
Table with_column(const Table& table, const std::string& name, const std::vector<double>& values);

// The table with the columns `names` moved behind the others; both keep their order.
Table with_columns_last(const Table& table, const std::vector<std::string>& names);

// Identifies the data a model was fitted on: 32 hexadecimal digits that depend on the column names
// in order and on every bit of the values, not on how the file spelled them.
std::string content_hash(const Table& table);

}  // namespace iflow
