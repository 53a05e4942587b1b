// Help with what commands print.
#pragma once

#include <charconv>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace iflow::test {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The numbers of CSV text, row by row, without its header line if it has one. Throws for what is no
// number.
inline std::vector<std::vector<double>> numbers_of(const std::string& csv, bool has_header = true) {
  std::vector<std::vector<double>> rows;
  for (const std::string& line : lines_of(csv)) {
    std::vector<double> row;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) {
      if (has_header && rows.empty()) {
        row.push_back(0);
        continue;
      }
      double value = 0;
      const char* const end = field.data() + field.size();
      const auto [stop, error] = std::from_chars(field.data(), end, value);
      if (error != std::errc() || stop != end) throw std::runtime_error("no number: " + field);
      row.push_back(value);
    }
    rows.push_back(row);
  }
  if (has_header) rows.erase(rows.begin());
  return rows;
}

// Column `index` of such rows.
inline std::vector<double> column_of(const std::vector<std::vector<double>>& rows,
                                     std::size_t index) {
  std::vector<double> column;
  for (const auto& row : rows) column.push_back(row.at(index));
  return column;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace iflow::test
