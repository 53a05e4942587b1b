#include "fit/comparison.h"

#include <algorithm>

namespace iflow {

MeanAndError mean_of(const ComparedData& data, const ComparedModel& model) {
  return mean_and_error(model.measures.negative_log_density, data.weights);
}

const ComparedModel& best_of(const ComparedData& data) {
  return *std::min_element(data.models.begin(), data.models.end(),
                           [&](const ComparedModel& a, const ComparedModel& b) {
                             return mean_of(data, a).mean < mean_of(data, b).mean;
                           });
}

MeanAndError above_best(const ComparedData& data, const ComparedModel& model) {
  const std::vector<double>& best = best_of(data).measures.negative_log_density;
  std::vector<double> excess = model.measures.negative_log_density;
  for (std::size_t i = 0; i < excess.size(); ++i) excess[i] -= best[i];
  return mean_and_error(excess, data.weights);
}

}  // namespace iflow
