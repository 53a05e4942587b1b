// Which columns of a file are used.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/table_options.h"

namespace iflow {

// Indices (from 0) of columns of a file, in the order of use.
struct ColumnSelection {
  std::vector<std::size_t> values;
  std::vector<std::size_t> keep;
};

// Finds the columns that `options` ask for among those of a file. Throws DataError beginning with
// `place` ("file:line" of the header, or "file") that names every column that is missing, extra or
// ambiguous.
ColumnSelection select_columns(const std::string& place, const std::vector<std::string>& names,
                               bool has_header, const TableOptions& options);

}  // namespace iflow
