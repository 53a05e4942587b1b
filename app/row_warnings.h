// What a person is told about the rows of a stream, on stderr.
#pragma once

#include <cstddef>
#include <span>

#include "row_stream.h"

namespace iflow {

// "dropped 3 of 100 rows: missing values", if any.
void warn_of_dropped(const RowCounts& counts);

// "3 rows have the log-density -inf", if any.
void warn_of_infinite(std::size_t rows);
std::size_t count_infinite(std::span<const double> log_density);

}  // namespace iflow
