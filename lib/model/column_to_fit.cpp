#include "model/column_to_fit.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"

namespace iflow {

std::size_t column_to_fit(const std::string& option, const std::string& name,
                          const std::vector<std::string>& columns) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) {
    throw UsageError(option + ": no column \"" + name + "\" among those to fit; did you mean \"" +
                     nearest(name, columns) + "\"?");
  }
  return static_cast<std::size_t>(found - columns.begin());
}

}  // namespace iflow
