// Columns that a person names.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace iflow {

// Where `columns` has the column that an option names. Throws UsageError, with the nearest name,
// where it has none.
std::size_t column_to_fit(const std::string& option, const std::string& name,
                          const std::vector<std::string>& columns);

}  // namespace iflow
