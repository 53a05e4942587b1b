// Inspection of the data before a model is fitted: it rejects data that no fit can work on and
// warns of columns that may surprise, by name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/table.h"
#include "preprocess/lattice.h"

namespace iflow {

// A fit of `columns` columns needs this many rows.
std::size_t rows_needed(std::size_t columns);

// Returns warnings: columns of integers, columns in which one value is most of the rows, wild
// scales. `dequantised`: the columns whose integers will be spread over the steps of their lattice.
// `given`: the number of columns, the last ones, that the density is conditional on. They are not
// modelled, so there is no warning of their integers and frequent values.
//
// Throws DataError, beginning with `source`, for
// - fewer rows than rows_needed();
// - a constant column, and one that repeats another or is a linear function of others: the density
//   would be infinite;
// - numbers beyond 1e100, or spread over less than 1e-100: their squares leave the range of a
//   double;
// - a few rows so far out that, in units of the standard deviation, the rest is a single spike.
std::vector<std::string> inspect(const Table& table, const std::string& source,
                                 std::span<const LatticeColumn> dequantised = {},
                                 std::size_t given = 0);

}  // namespace iflow
