// Tables from CSV, TSV and text with blanks between the numbers.
#pragma once

#include <string>
#include <vector>

#include "data/csv_scanner.h"
#include "data/number_text.h"
#include "data/table_source.h"

namespace iflow {

class CsvSource final : public TableSource {
 public:
  // Reads the header, if there is one. Throws DataError for an empty file.
  CsvSource(InputFile file, HeaderMode header);

  const std::vector<std::string>& columns() const override { return columns_; }
  bool has_header() const override { return has_header_; }
  std::string header_place() const override;
  void read(std::size_t max_rows, const ColumnSelection& selection, NaPolicy na,
            TableChunk& chunk) override;

 private:
  bool next_row();
  bool append_values(const ColumnSelection& selection, NaPolicy na, std::vector<double>& values);
  [[noreturn]] void fail(NumberKind kind, std::size_t column) const;

  CsvScanner scanner_;
  std::vector<std::string> columns_;
  bool has_header_ = false;
  std::size_t header_line_ = 0;
  bool first_row_waits_ = false;  // the scanner's record is a row that nobody has read yet
};

}  // namespace iflow
