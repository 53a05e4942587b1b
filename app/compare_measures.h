// What compare measures on a fitted model.
#pragma once

#include "checkpoint/model_file.h"
#include "fit_data.h"

namespace iflow {

struct ModelMeasures {
  std::vector<double> negative_log_density;  // per held-out row, nats
  double inverse_error = 0;     // the largest over those rows, in spreads of the column
  std::size_t unconverged = 0;  // rows whose inverse missed the tolerance
  double density_rate = 0;      // rows per second in memory, by the clock
  double sample_rate = 0;
};

ModelMeasures measure(const Fit& fit, const Model& model, const FitData& data);

}  // namespace iflow
