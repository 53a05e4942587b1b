#include "fit_start.h"

#include <memory>
#include <utility>
#include <vector>

#include "recipes/image_flows.h"
#include "train/prefix.h"
#include "training_rows.h"

namespace iflow {

Mixture mixture_of(const FitData& data, std::uint64_t seed) {
  if (data.images) return {};
  return fit_mixture(data.training, data.record.columns.size(), seed, data.weights);
}

FitSettings settings_for(const FitArguments& arguments, const FitData& data) {
  const DataRecord& record = data.record;
  const bool refit = has_refit(arguments.settings, record.rows);
  const std::size_t rows = record.training_rows + (refit ? record.validation_rows : 0);
  FitSettings settings =
      data.images ? new_image_settings(arguments, rows, data.images->shape)
                  : new_settings(arguments, rows, record.columns.size(), data.condition.size());
  // recorded, so that a resumed fit does the same whatever the defaults may become
  settings.refit = refit;
  if (!settings.val_fraction) settings.val_fraction = default_val_fraction(record.rows, refit);
  return settings;
}

FlowConfig flow_of(const FitData& data, const FlowOptions& options) {
  if (data.images) return make_image_flow(options, {data.images->shape, data.pixels});
  return make_flow(options, {data.moments.mean, data.moments.deviation}, data.whiten, data.bounds,
                   data.condition);
}

Fit new_fit(const FitData& data, const FitSettings& settings, Mixture mixture) {
  Fit fit;
  fit.flow = flow_of(data, settings.flow);
  fit.lattices = data.lattices;
  fit.data = data.record;
  fit.pixels = data.pixels;
  fit.gaussian = data.gaussian;
  fit.mixture = std::move(mixture);
  set_settings(fit, settings);
  return fit;
}

void set_settings(Fit& fit, const FitSettings& settings) {
  fit.train = settings.train;
  fit.options = settings_to_json(settings);
}

TrainingData training_data(const Fit& fit, const FitData& data) {
  TrainingData rows;
  rows.validation = data.validation;
  rows.weights = data.weights;
  rows.validation_weights = data.validation_weights;
  if (!data.images && data.lattices.empty()) {
    PrefixedRows prefixed = rows_after_prefix(fit.flow, data.training, data.weights);
    rows.rows = std::make_shared<const std::vector<float>>(std::move(prefixed.rows));
    rows.mean_log_det = prefixed.mean_log_det;
    return rows;
  }
  rows.draw = data.images ? image_rows(fit.flow, data, fit.train.seed)
                          : noisy_rows(fit.flow, data, fit.train.seed);
  rows.drawn_rows = data.record.training_rows;
  return rows;
}

}  // namespace iflow
