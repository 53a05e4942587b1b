#include "preprocess/row_weights.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/nearest.h"
#include "data/number_text.h"

namespace iflow {

TableOptions with_weights(TableOptions options, const std::string& weights) {
  if (weights.empty() || options.columns.empty()) return options;
  if (std::count(options.columns.begin(), options.columns.end(), weights) > 0) {
    throw UsageError("--weights: \"" + weights + "\" is one of the --columns to fit");
  }
  options.columns.push_back(weights);
  return options;
}

std::vector<double> take_weights(Table& table, const std::string& weights,
                                 const std::string& source) {
  if (weights.empty()) return {};
  const auto found = std::find(table.columns.begin(), table.columns.end(), weights);
  if (found == table.columns.end()) {
    throw DataError(source + ": no column \"" + weights + "\" for --weights; did you mean \"" +
                    nearest(weights, table.columns) + "\"?");
  }
  if (table.columns.size() == 1) {
    throw DataError(source + ": no column to fit besides the weights \"" + weights + "\"");
  }
  std::vector<double> values =
      take_column(table, static_cast<std::size_t>(found - table.columns.begin()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0) continue;
    throw DataError(source + ": row " + std::to_string(number_in_source(i, table.dropped)) +
                    " (the header not counted): column \"" + weights + "\": a weight of " +
                    number_text(values[i]) + "; weights must not be negative");
  }
  return values;
}

void leave_out_weightless(Split& split, const std::vector<double>& weights,
                          const std::string& source, const std::string& validation_source) {
  if (weights.empty()) return;
  const auto keep_weighty = [&](std::vector<std::size_t>& rows, const std::string& where) {
    std::erase_if(rows, [&](std::size_t row) { return weights[row] == 0; });
    if (rows.empty()) throw DataError(where + " have the weight 0");
  };
  keep_weighty(split.training, source + ": all rows to train on");
  keep_weighty(split.validation, validation_source + ": all rows to validate on");
}

std::vector<double> weights_of(const std::vector<double>& weights,
                               const std::vector<std::size_t>& indices) {
  std::vector<double> some;
  if (weights.empty()) return some;
  for (const std::size_t i : indices) some.push_back(weights[i]);
  return some;
}

std::vector<double> normalised(std::vector<double> weights) {
  // The largest first: sums of weights near the largest double stay finite.
  const double largest = weights.empty() ? 1 : *std::max_element(weights.begin(), weights.end());
  for (double& w : weights) w /= largest;
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) /
                      static_cast<double>(std::max<std::size_t>(weights.size(), 1));
  for (double& w : weights) w /= mean;
  return weights;
}

}  // namespace iflow
