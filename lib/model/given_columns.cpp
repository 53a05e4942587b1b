#include "model/given_columns.h"

#include <algorithm>

#include "base/error.h"
#include "base/joined.h"
#include "model/column_to_fit.h"

namespace iflow {

std::vector<std::string> given_columns(const std::vector<std::string>& given,
                                       const std::vector<std::string>& columns) {
  std::vector<bool> is_given(columns.size(), false);
  for (const std::string& name : given) {
    const std::size_t column = column_to_fit("--given", name, columns);
    if (is_given[column]) throw UsageError("--given: column \"" + name + "\" is named twice");
    is_given[column] = true;
  }
  std::vector<std::string> ordered;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (is_given[j]) ordered.push_back(columns[j]);
  }
  if (ordered.size() == columns.size()) {
    throw UsageError("--given: every column is given, none is left to fit");
  }
  return ordered;
}

std::vector<double> with_condition(const Fit& fit, std::vector<double> modelled,
                                   std::span<const double> rows) {
  const std::size_t d = fit.flow.dimension, width = fit.flow.row_width();
  if (d == width) return modelled;
  std::vector<double> joined(rows.begin(), rows.end());
  for (std::size_t i = 0; i < modelled.size(); ++i) joined[i / d * width + i % d] = modelled[i];
  return joined;
}

std::vector<double> in_data_order(const Fit& fit, std::vector<double> rows) {
  if (fit.data.given.empty()) return rows;
  const std::vector<std::string> names = row_columns(fit.data);
  std::vector<double> ordered(rows.size());
  for (std::size_t j = 0; j < names.size(); ++j) {
    const auto found = std::find(fit.data.columns.begin(), fit.data.columns.end(), names[j]);
    const auto to = static_cast<std::size_t>(found - fit.data.columns.begin());
    for (std::size_t i = 0; i < rows.size(); i += names.size()) ordered[i + to] = rows[i + j];
  }
  return ordered;
}

std::string describe_columns(const DataRecord& data) {
  return joined(modelled_columns(data), ", ") +
         (data.given.empty() ? "" : " given " + joined(data.given, ", "));
}

}  // namespace iflow
