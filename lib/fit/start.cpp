#include "fit/start.h"

namespace iflow {

Settings settings_for(const GivenSettings& given, const Settings& read_by, const Dataset& data,
                      const std::string& source) {
  const DataRecord& record = data.record;
  const bool refit = has_refit(read_by, record.rows);
  DataShape shape = data.shape();
  if (refit) shape.rows += record.validation_rows;
  Settings settings = new_settings(given, shape, source);
  if (settings.start == Start::kStack) return settings;
  if (!settings.is_image) settings.refit = refit;
  settings.val_fraction = held_out_part(read_by, record.rows);
  return settings;
}

Fit new_fit(const Dataset& data, const Settings& settings) {
  Fit fit;
  fit.flow = data.flow_of(settings.flow);
  fit.lattices = data.lattices;
  fit.data = data.record;
  data.set_baselines(fit);
  fit.settings = settings;
  return fit;
}

TrainingData training_data(const Fit& fit, const Dataset& data) {
  return data.training_data(fit.flow, fit.settings.train.seed);
}

}  // namespace iflow
