// The columns that a conditional density is given (--given): on the command line, and in the rows
// that go through a model, where they stand behind those modelled.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/table.h"
#include "model/fit_record.h"

namespace iflow {

// `given` in the order of the columns. Throws UsageError for one that is not there or is named
// twice, and where no other column is left to fit.
std::vector<std::string> given_columns(const std::vector<std::string>& given,
                                       const std::vector<std::string>& columns);

// The rows (n, width) with their first numbers replaced by `modelled` (n, d).
std::vector<double> with_condition(const Fit& fit, std::vector<double> modelled,
                                   std::span<const double> rows);

// Rows (n, width) as the model has them, in the columns' order of the data.
std::vector<double> in_data_order(const Fit& fit, std::vector<double> rows);

// "y" or "y given x1, x2"
std::string describe_columns(const DataRecord& data);

}  // namespace iflow
