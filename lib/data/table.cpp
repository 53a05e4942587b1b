#include "data/table.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"

namespace iflow {

std::vector<std::string> default_column_names(std::size_t count) {
  std::vector<std::string> names;
  names.reserve(count);
  for (std::size_t i = 1; i <= count; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

std::size_t number_in_source(std::size_t index, const std::vector<std::size_t>& dropped) {
  for (const std::size_t left_out : dropped) {
    if (left_out > index) break;
    ++index;
  }
  return index + 1;
}

std::vector<double> take_column(Table& table, std::size_t index) {
  const std::size_t width = table.columns.size();
  std::vector<double> column, others;
  for (std::size_t i = 0; i < table.values.size(); ++i) {
    (i % width == index ? column : others).push_back(table.values[i]);
  }
  table.values = std::move(others);
  table.columns.erase(table.columns.begin() + static_cast<std::ptrdiff_t>(index));
  return column;
}

Table with_column(const Table& table, const std::string& name, const std::vector<double>& values) {
  Table wider = table;
  wider.columns.push_back(name);
  wider.values.clear();
  for (std::size_t i = 0; i < table.rows; ++i) {
    const auto row = table.row(i);
    wider.values.insert(wider.values.end(), row.begin(), row.end());
    wider.values.push_back(values[i]);
  }
  return wider;
}

Table with_columns_last(const Table& table, const std::vector<std::string>& names) {
  std::vector<std::size_t> order(table.columns.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_partition(order.begin(), order.end(), [&](std::size_t column) {
    return std::find(names.begin(), names.end(), table.columns[column]) == names.end();
  });
  Table moved = table;
  for (std::size_t j = 0; j < order.size(); ++j) {
    moved.columns[j] = table.columns[order[j]];
    for (std::size_t i = 0; i < table.rows; ++i) {
      moved.values[i * order.size() + j] = table.row(i)[order[j]];
    }
  }
  return moved;
}

std::string content_hash(const Table& table) {
  // Each name with its length, so that ("ab", "c") and ("a", "bc") differ.
  std::string text = hash_hex(std::as_bytes(std::span(table.values)));
  for (const std::string& name : table.columns) {
    text += ' ' + std::to_string(name.size()) + ':' + name;
  }
  return hash_hex(std::as_bytes(std::span(text)));
}

}  // namespace iflow
