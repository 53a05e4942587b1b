// Weights of rows, from a column of their own.
#pragma once

#include <string>
#include <vector>

#include "data/split.h"
#include "data/table.h"
#include "data/table_options.h"

namespace iflow {

// How to read a table whose column `weights` (empty: none) comes besides the ones to fit. Throws
// UsageError where it is one of those.
TableOptions with_weights(TableOptions options, const std::string& weights);

// Takes the column out of a table just read from `source`; nothing without a name. Throws DataError
// for a table that lacks it, and for a negative weight, naming the row.
std::vector<double> take_weights(Table& table, const std::string& weights,
                                 const std::string& source);

// Leaves out the rows of weight 0, which count for nothing. Throws DataError where none is left to
// train on or to validate on; the sources are the files that those come from.
void leave_out_weightless(Split& split, const std::vector<double>& weights,
                          const std::string& source, const std::string& validation_source);

// Those of the rows `indices`; none without any.
std::vector<double> weights_of(const std::vector<double>& weights,
                               const std::vector<std::size_t>& indices);

// The same, of mean 1.
std::vector<double> normalised(std::vector<double> weights);

}  // namespace iflow
