#include "preprocess/moments.h"

#include <cmath>

namespace iflow {

ColumnMoments column_moments(std::span<const double> rows, std::size_t columns,
                             RowWeights weights) {
  const std::size_t n = rows.size() / columns;
  double total = 0;
  for (std::size_t row = 0; row < n; ++row) total += weight_of(weights, row);
  ColumnMoments moments{std::vector<double>(columns, 0), std::vector<double>(columns, 0)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    moments.mean[i % columns] += weight_of(weights, i / columns) * rows[i] / total;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double distance = rows[i] - moments.mean[i % columns];
    moments.deviation[i % columns] += weight_of(weights, i / columns) * distance * distance / total;
  }
  for (double& deviation : moments.deviation) deviation = std::sqrt(deviation);
  return moments;
}

std::vector<double> standardised(std::span<const double> rows, const ColumnMoments& moments) {
  const std::size_t columns = moments.mean.size();
  std::vector<double> result(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t column = i % columns;
    result[i] = ((rows[i] - moments.mean[column]) / moments.deviation[column]);
  }
  return result;
}

}  // namespace iflow
