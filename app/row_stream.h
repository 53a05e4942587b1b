// Rows of a table through a computation, a chunk at a time: memory does not grow with their number,
// and no result depends on how they are cut.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/input_file.h"
#include "data/table_reader.h"
#include "model/rows.h"
#include "row_output.h"

namespace iflow {

// A number of results for every row: (n, width). A NaN among them is a failure.
using RowFunction = std::function<std::vector<double>(const Rows& rows)>;

struct RowCounts {
  std::size_t read = 0;     // input rows
  std::size_t dropped = 0;  // of these, with a missing value
};

// Calls take(chunk, results of its usable rows) for every chunk of the table.
// Throws NumericError naming the row (of the data, from 1) for which f fails or yields NaN.
RowCounts for_each_chunk(
    TableReader& reader, const std::string& path, const RowFunction& f,
    const std::function<void(const TableChunk& chunk, std::span<const double> results)>& take);

// Writes a row for every row of the table: its results, or NA in their place where the row was
// dropped, and the columns that are passed through. `columns` names the results.
RowCounts stream_rows(TableReader& reader, const std::string& path, const RowFunction& f,
                      const std::vector<std::string>& columns, RowOutput& out);

}  // namespace iflow
