// A look at the data before a model is fitted: what can't work is refused, what may surprise is
// said, by name.
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
// `given`: how many columns, the last ones, are not modelled but what the density is conditional
// on; integers and frequent values are nothing to say about these.
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
