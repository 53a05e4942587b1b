#include "report/text_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "report/utf8.h"

namespace iflow {
namespace {

constexpr std::size_t kGap = 2;  // spaces between columns

bool stands_for_number(std::string_view cell) {
  return cell.empty() || cell == "-" || cell == "NA";
}

bool begins_with_number(std::string_view cell) {
  if (cell.starts_with('+')) cell.remove_prefix(1);
  const char* const end = cell.data() + cell.size();
  double value = 0;
  const auto [rest, error] = std::from_chars(cell.data(), end, value);
  if (error == std::errc::invalid_argument) return false;
  // "inf" is a number, "info" is not.
  return std::isfinite(value) || rest == end;
}

struct Column {
  std::size_t width = 0;
  bool right_aligned = true;
};

void check_cell_counts(std::size_t columns, const std::vector<std::vector<std::string>>& rows) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() != columns) {
      throw Error("text table: row " + std::to_string(r + 1) + " has " +
                  std::to_string(rows[r].size()) + " cells, expected " + std::to_string(columns));
    }
  }
}

std::vector<Column> lay_out(std::size_t columns, const std::vector<std::string>& header,
                            const std::vector<std::vector<std::string>>& rows) {
  std::vector<Column> layout(columns);
  const auto widen = [](Column& column, const std::string& cell) {
    column.width = std::max(column.width, display_width(decode_utf8(cell)));
  };
  for (std::size_t c = 0; c < header.size(); ++c) widen(layout[c], header[c]);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < columns; ++c) {
      widen(layout[c], row[c]);
      if (!stands_for_number(row[c]) && !begins_with_number(row[c])) {
        layout[c].right_aligned = false;
      }
    }
  }
  return layout;
}

std::string format_line(const std::vector<Column>& layout, const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const std::u32string cell = decode_utf8(cells[c]);
    const std::string padding(layout[c].width - display_width(cell), ' ');
    if (c > 0) line.append(kGap, ' ');
    line += layout[c].right_aligned ? padding + encode_utf8(cell) : encode_utf8(cell) + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string format_text_table(const std::vector<std::string>& header,
                              const std::vector<std::vector<std::string>>& rows) {
  const std::size_t columns = header.empty() && !rows.empty() ? rows[0].size() : header.size();
  check_cell_counts(columns, rows);
  const std::vector<Column> layout = lay_out(columns, header, rows);
  std::string table;
  if (!header.empty()) table += format_line(layout, header);
  for (const auto& row : rows) table += format_line(layout, row);
  return table;
}

}  // namespace iflow
