#include "fit_result.h"

#include "flow/model.h"
#include "integer_columns.h"
#include "number_format.h"

namespace iflow {
namespace {

nlohmann::json mean_and_se(const MeanAndError& x) {
  return {{"mean", x.mean}, {"se", x.standard_error}};
}

bool stopped_early(const Fit& fit) { return fit.state.step < fit.train.steps; }

}  // namespace

const char* const kFitResultFields =
    "checkpoint; steps (done), planned_steps, best_step (whose parameters are kept), "
    "stopped_early; columns, rows, training_rows, effective_rows (of equal weight, that know as "
    "much as the training rows with theirs), validation_rows; dequantised (integer columns, spread "
    "over their steps); parameters (numbers learned); validation, gaussian and mixture: {mean, se} "
    "of the log-density per held-out row in nats, of the flow, of the Gaussian baseline and of the "
    "mixture of Gaussians; divergences (times the loss was not finite); seconds";

FitResult evaluate_fit(const std::string& checkpoint, const Fit& fit, const FitData& data,
                       double seconds) {
  const std::vector<double>& validation = data.validation;
  const std::vector<double>& weights = data.validation_weights;
  const Model model(fit.flow, fit.state.best);
  return {checkpoint,
          fit,
          mean_and_error(model.log_density(validation), weights),
          mean_and_error(log_density(fit.gaussian, validation), weights),
          mean_and_error(log_density(fit.mixture, validation), weights),
          model.flow().layout().count(),
          seconds,
          data.weights.empty() ? static_cast<double>(data.record.training_rows)
                               : effective_rows(data.weights)};
}

std::string result_text(const FitResult& r) {
  const std::string weights = r.fit.options.at("weights");
  const TrainState& state = r.fit.state;
  return r.checkpoint + ": " + with_error(r.held_out) + " nats per held-out row (" +
         with_commas(r.fit.data.validation_rows) + " rows; a Gaussian has " +
         with_error(r.gaussian) + ", a mixture of " + std::to_string(r.fit.mixture.weights.size()) +
         " " + with_error(r.mixture) + ")\nbest at step " + with_commas(state.best_step) + " of " +
         with_commas(state.step) + (stopped_early(r.fit) ? ", stopped early" : "") + "; " +
         fixed_point(r.seconds, 1) + " s" +
         (weights.empty()
              ? ""
              : "\nrows are weighted by " + weights + ": the " +
                    with_commas(r.fit.data.training_rows) + " to train on count as much as " +
                    fixed_point(r.effective_rows, 1) + " of equal weight") +
         (r.fit.lattices.empty() ? "" : "\n" + measure_of(r.fit.lattices, r.fit.data.columns));
}

nlohmann::json result_json(const FitResult& r) {
  const TrainState& state = r.fit.state;
  return {{"checkpoint", r.checkpoint},
          {"steps", state.step},
          {"planned_steps", r.fit.train.steps},
          {"best_step", state.best_step},
          {"stopped_early", stopped_early(r.fit)},
          {"columns", r.fit.data.columns},
          {"rows", r.fit.data.rows},
          {"training_rows", r.fit.data.training_rows},
          {"effective_rows", r.effective_rows},
          {"validation_rows", r.fit.data.validation_rows},
          {"dequantised", names_of(r.fit.lattices, r.fit.data.columns)},
          {"parameters", r.parameters},
          {"validation", mean_and_se(r.held_out)},
          {"gaussian", mean_and_se(r.gaussian)},
          {"mixture", mean_and_se(r.mixture)},
          {"divergences", state.divergences.size()},
          {"seconds", r.seconds}};
}

}  // namespace iflow
