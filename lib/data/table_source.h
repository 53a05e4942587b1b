// A file format's side of reading a table, and what all formats share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/table_columns.h"
#include "data/table_options.h"

namespace iflow {

// Successive rows of a table.
struct TableChunk {
  std::size_t first_row = 0;         // index (from 0) of the first input row in the table
  std::vector<std::uint8_t> usable;  // [input rows]: 0 where the row was dropped, else 1
  std::size_t usable_rows = 0;       // input rows that weren't dropped
  std::vector<double> values;        // [usable rows][columns], finite
  std::vector<std::string> kept;     // [input rows][kept columns], as the source has them

  std::size_t rows() const { return usable.size(); }
  std::size_t dropped() const { return rows() - usable_rows; }
};

// A table in some format, read from the start to the end.
class TableSource {
 public:
  TableSource() = default;
  virtual ~TableSource() = default;
  TableSource(const TableSource&) = delete;
  TableSource& operator=(const TableSource&) = delete;

  // All columns of the source.
  virtual const std::vector<std::string>& columns() const = 0;
  virtual bool has_header() const = 0;

  // Where the columns are declared, for messages: "file" or "file:line".
  virtual std::string header_place() const = 0;

  // Appends at most `max_rows` rows to `chunk`; none at the end. Throws DataError naming the field
  // for what can't be used.
  virtual void read(std::size_t max_rows, const ColumnSelection& selection, NaPolicy na,
                    TableChunk& chunk) = 0;
};

// Throws the DataError for a field (at `place`, in the column `column`) that holds no finite
// number.
[[noreturn]] void throw_missing_value(const std::string& place, std::string_view text,
                                      const std::string& column);

// `text` as messages show it: in quotes, at most 40 bytes of it, without control characters.
std::string shown(std::string_view text);

}  // namespace iflow
