#include "fit_result.h"

#include <limits>
#include <vector>

#include "baselines/conditional.h"
#include "integer_columns.h"
#include "model/flow_model.h"
#include "report/number_format.h"

namespace iflow {

nlohmann::json mean_and_se(const MeanAndError& x) {
  return {{"mean", x.mean}, {"se", x.standard_error}};
}

bool stopped_early(const Fit& fit) { return fit.state.step < fit.train.steps; }

namespace {

// The held-out figure is that of the last validation that was the best: its error is eval's to say.
FitResult evaluate_image_fit(const std::string& checkpoint, const Fit& fit, const FitData& data,
                             double seconds) {
  FitResult result{checkpoint, fit};
  result.held_out = {-fit.state.best_loss, std::numeric_limits<double>::quiet_NaN()};
  std::vector<double> log_p;
  for (const std::size_t i : data.validation_images) {
    log_p.push_back(log_probability(fit.pixels, data.images->image(i)));
  }
  result.pixels = mean_and_error(log_p);
  result.parameters = build_flow<float>(fit.flow).layout().count();
  result.seconds = seconds;
  return result;
}

std::string progress_text(const FitResult& r) {
  const TrainState& state = r.fit.state;
  return "best at step " + with_commas(state.best_step) + " of " + with_commas(state.step) +
         (stopped_early(r.fit) ? ", stopped early" : "") +
         (is_refitted(r.fit) ? "; refitted to all rows up to step " + with_commas(r.fit.refit->step)
                             : "") +
         "; " + fixed_point(r.seconds, 1) + " s";
}

std::string image_text(const FitResult& r) {
  const std::size_t d = r.fit.flow.dimension;
  return r.checkpoint + ": " + fixed_point(bits_per_dimension(r.held_out.mean, d)) +
         " bits/dim of the held-out images (" + with_commas(r.fit.data.validation_rows) +
         " of them; independent pixels have " + fixed_point(bits_per_dimension(r.pixels.mean, d)) +
         ")\n" + progress_text(r);
}

nlohmann::json shared_json(const FitResult& r) {
  const TrainState& state = r.fit.state;
  return {{"checkpoint", r.checkpoint},
          {"steps", state.step},
          {"planned_steps", r.fit.train.steps},
          {"best_step", state.best_step},
          {"stopped_early", stopped_early(r.fit)},
          {"refit_steps", is_refitted(r.fit) ? r.fit.refit->step : 0},
          {"activation", r.fit.options.at("activation")},
          {"parameters", r.parameters},
          {"divergences",
           state.divergences.size() + (r.fit.refit ? r.fit.refit->divergences.size() : 0)},
          {"seconds", r.seconds}};
}

nlohmann::json image_json(const FitResult& r) {
  const std::size_t d = r.fit.flow.dimension;
  nlohmann::json result = shared_json(r);
  result["images"] = r.fit.data.rows;
  result["training_images"] = r.fit.data.training_rows;
  result["validation_images"] = r.fit.data.validation_rows;
  result["bits_per_dim"] = bits_per_dimension(r.held_out.mean, d);
  result["pixels_bits_per_dim"] = bits_per_dimension(r.pixels.mean, d);
  return result;
}

}  // namespace

const char* const kFitResultFields =
    "checkpoint; steps (done), planned_steps, best_step (of the best validation), stopped_early, "
    "refit_steps (of the refit to all rows, whose parameters are kept in place of those of "
    "best_step; 0: none); columns, given (those of them that the density is conditional on), rows, "
    "training_rows, effective_rows (of equal weight, that know as "
    "much as the training rows with theirs), validation_rows; dequantised (integer columns, spread "
    "over their steps); activation; parameters (numbers learned); validation, gaussian and "
    "mixture: {mean, se} of the log-density per held-out row in nats, of the flow, of the Gaussian "
    "baseline and of the mixture of Gaussians; divergences (times the loss was not finite); "
    "seconds. Of images, in "
    "place of columns to mixture: images, training_images, validation_images, bits_per_dim of the "
    "held-out ones, pixels_bits_per_dim of independent pixels";

FitResult evaluate_fit(const std::string& checkpoint, const Fit& fit, const FitData& data,
                       double seconds) {
  if (fit.data.image) return evaluate_image_fit(checkpoint, fit, data, seconds);
  const std::vector<double>& validation = data.validation;
  const std::vector<double>& weights = data.validation_weights;
  const std::size_t d = fit.flow.dimension, width = fit.flow.row_width();
  // before a refit, which has seen these rows
  const Model model(fit.flow, fit.state.best);
  FitResult result{checkpoint, fit};
  result.held_out = mean_and_error(model.log_density(validation), weights);
  result.gaussian =
      mean_and_error(conditional_log_density(fit.gaussian, validation, d, width), weights);
  result.mixture =
      mean_and_error(conditional_log_density(fit.mixture, validation, d, width), weights);
  result.parameters = model.flow().layout().count();
  result.seconds = seconds;
  result.effective_rows = data.weights.empty() ? static_cast<double>(data.record.training_rows)
                                               : effective_rows(data.weights);
  return result;
}

std::string result_text(const FitResult& r) {
  if (r.fit.data.image) return image_text(r);
  const std::string weights = r.fit.options.at("weights");
  return r.checkpoint + ": " + with_error(r.held_out) + " nats per held-out row (" +
         with_commas(r.fit.data.validation_rows) + " rows; a Gaussian has " +
         with_error(r.gaussian) + ", a mixture of " + std::to_string(r.fit.mixture.weights.size()) +
         " " + with_error(r.mixture) + ")\n" + progress_text(r) +
         (weights.empty()
              ? ""
              : "\nrows are weighted by " + weights + ": the " +
                    with_commas(r.fit.data.training_rows) + " to train on count as much as " +
                    fixed_point(r.effective_rows, 1) + " of equal weight") +
         (r.fit.lattices.empty() ? "" : "\n" + measure_of(r.fit.lattices, row_columns(r.fit.data)));
}

nlohmann::json result_json(const FitResult& r) {
  if (r.fit.data.image) return image_json(r);
  nlohmann::json result = shared_json(r);
  result["columns"] = r.fit.data.columns;
  result["given"] = r.fit.data.given;
  result["rows"] = r.fit.data.rows;
  result["training_rows"] = r.fit.data.training_rows;
  result["effective_rows"] = r.effective_rows;
  result["validation_rows"] = r.fit.data.validation_rows;
  result["dequantised"] = names_of(r.fit.lattices, row_columns(r.fit.data));
  result["validation"] = mean_and_se(r.held_out);
  result["gaussian"] = mean_and_se(r.gaussian);
  result["mixture"] = mean_and_se(r.mixture);
  return result;
}

}  // namespace iflow
