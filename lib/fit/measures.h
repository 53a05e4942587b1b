// What a comparison measures on a fitted model.
#pragma once

#include <cstddef>
#include <vector>

#include "fit/budget.h"
#include "fit/dataset.h"
#include "model/flow_model.h"

namespace iflow {

struct ModelMeasures {
  std::vector<double> negative_log_density;  // per held-out row, nats
  // The largest over those rows, in spreads of the column; of images over the first hundred, from
  // the middle of their bins, in steps of a pixel.
  double inverse_error = 0;
  std::size_t inverted = 0;     // rows, or images
  std::size_t unconverged = 0;  // of these, how many missed the tolerance
  double density_rate = 0;      // rows per second in memory, by the clock; as for the figure above
  double sample_rate = 0;
};

ModelMeasures measure(const Fit& fit, const Model& model, const Dataset& data, const Clock& clock);

}  // namespace iflow
