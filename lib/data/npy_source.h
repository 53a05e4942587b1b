// Tables from .npy files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/input_file.h"
#include "data/npy_header.h"
#include "data/table_source.h"

namespace iflow {

// A one-dimensional array is one column; a row of a two-dimensional one is a row. Messages name
// file:row:column, from 1.
class NpySource final : public TableSource {
 public:
  // Reads the header and compares it with the file's size, where that is known. Throws DataError
  // for other dimensions, for no elements, and for columns in Fortran order from a stream.
  explicit NpySource(InputFile file);

  const std::vector<std::string>& columns() const override { return columns_; }
  bool has_header() const override { return false; }
  std::string header_place() const override { return file_.name(); }
  void read(std::size_t max_rows, const ColumnSelection& selection, NaPolicy na,
            TableChunk& chunk) override;

 private:
  void check_size() const;
  void read_block();
  void read_block_of_rows(std::size_t rows);
  void read_block_of_columns(std::size_t rows);
  bool append_values(const double* row, const ColumnSelection& selection, NaPolicy na,
                     std::vector<double>& values) const;

  InputFile file_;
  NpyHeader header_;
  std::uint64_t rows_ = 0;
  std::vector<std::string> columns_;
  std::uint64_t next_row_ = 0;
  std::vector<double> block_;      // [block rows][columns]: some rows ahead of next_row_
  std::uint64_t block_first_ = 0;  // the row at the start of block_
  std::uint64_t block_end_ = 0;    // the row after the last in block_
  std::vector<char> bytes_;        // of a block in the file
};

}  // namespace iflow
