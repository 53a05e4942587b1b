// Tables of numbers from files and streams.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "data/table.h"
#include "data/table_columns.h"
#include "data/table_options.h"
#include "data/table_source.h"

namespace iflow {

// Reads a table in chunks; memory does not grow with the number of rows. Input: CSV, TSV, text
// with blanks between numbers, or .npy, each also compressed with gzip; .npy and gzip are
// recognised by their first bytes.
//
// Throws DataError for what it cannot read or use, naming file:line:field (both from 1; row and
// column for .npy; "<stdin>" for standard input).
class TableReader {
 public:
  // "-" is standard input. Finds the columns; rows are read by next().
  explicit TableReader(const std::string& path, TableOptions options = {});

  // Replaces `chunk` by the next rows, at most `max_rows` (> 0); false, with an empty chunk, at the
  // end. A table without any row is an error.
  bool next(std::size_t max_rows, TableChunk& chunk);

  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::string>& kept_columns() const { return options_.keep; }
  bool has_header() const { return source_->has_header(); }

 private:
  TableOptions options_;
  std::unique_ptr<TableSource> source_;
  ColumnSelection selection_;
  std::vector<std::string> columns_;
  std::size_t rows_read_ = 0;
};

// Reads a whole table; columns in `options.keep` are left out. Besides TableReader's errors, a
// table of which no row is left throws DataError.
Table read_table(const std::string& path, const TableOptions& options = {});

}  // namespace iflow
