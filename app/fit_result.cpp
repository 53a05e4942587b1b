#include "fit_result.h"

#include "model/integer_columns.h"
#include "report/number_format.h"

namespace iflow {

nlohmann::json mean_and_se(const MeanAndError& x) {
  return {{"mean", x.mean}, {"se", x.standard_error}};
}

namespace {

std::string progress_text(const FitResult& r, double seconds) {
  const TrainState& state = r.fit.state;
  return "best at step " + with_commas(state.best_step) + " of " + with_commas(state.step) +
         (stopped_early(r.fit) ? ", stopped early" : "") +
         (is_refitted(r.fit) ? "; refitted to all rows up to step " + with_commas(r.fit.refit->step)
                             : "") +
         "; " + fixed_point(seconds, 1) + " s";
}

std::string image_text(const FitResult& r) {
  const std::size_t d = r.fit.flow.dimension;
  return fixed_point(bits_per_dimension(r.held_out.mean, d)) +
         " bits/dim of the held-out images (" + with_commas(r.fit.data.validation_rows) +
         " of them; independent pixels have " +
         fixed_point(bits_per_dimension(r.baselines.pixels.mean, d)) + ")\n";
}

std::string table_text(const FitResult& r) {
  return with_error(r.held_out) + " nats per held-out row (" +
         with_commas(r.fit.data.validation_rows) + " rows; a Gaussian has " +
         with_error(r.baselines.gaussian) + ", a mixture of " +
         std::to_string(r.fit.mixture.weights.size()) + " " + with_error(r.baselines.mixture) +
         ")\n";
}

std::string stack_text(const FitResult& r, double seconds) {
  const StackRecord& stack = *r.fit.stack;
  std::size_t components = 0;
  for (const StackMember& m : stack.members) components += m.components;
  return with_error(r.held_out) + " nats per row by those members that were not fitted to it (" +
         with_commas(r.fit.data.rows) + " rows in " + std::to_string(stack.folds) +
         " folds; a Gaussian has " + with_error(r.baselines.gaussian) + ", a mixture by BIC " +
         with_error(r.baselines.mixture) + ")\nstacked mixture of " + with_commas(components) +
         " Gaussians in " + std::to_string(stack.members.size()) + " members" +
         (stack.map_gains.empty() ? "" : ", behind a map of each column") + "; " +
         fixed_point(seconds, 1) + " s";
}

// What there is to say about the rows of a table; nothing of most.
std::string remarks(const FitResult& r) {
  std::string text;
  const std::string& weights = r.fit.settings.weights;
  if (!weights.empty()) {
    text += "\nrows are weighted by " + weights + ": the " + with_commas(r.fit.data.training_rows) +
            " to train on count as much as " + fixed_point(r.effective_rows, 1) +
            " of equal weight";
  }
  if (!r.fit.lattices.empty()) text += "\n" + measure_of(r.fit.lattices, row_columns(r.fit.data));
  return text;
}

void add_image_fields(const FitResult& r, nlohmann::json& result) {
  const std::size_t d = r.fit.flow.dimension;
  result["images"] = r.fit.data.rows;
  result["training_images"] = r.fit.data.training_rows;
  result["validation_images"] = r.fit.data.validation_rows;
  result["bits_per_dim"] = bits_per_dimension(r.held_out.mean, d);
  result["pixels_bits_per_dim"] = bits_per_dimension(r.baselines.pixels.mean, d);
}

void add_table_fields(const FitResult& r, nlohmann::json& result) {
  result["columns"] = r.fit.data.columns;
  result["given"] = r.fit.data.given;
  result["rows"] = r.fit.data.rows;
  result["training_rows"] = r.fit.data.training_rows;
  result["effective_rows"] = r.effective_rows;
  result["validation_rows"] = r.fit.data.validation_rows;
  result["dequantised"] = names_of(r.fit.lattices, row_columns(r.fit.data));
  result["validation"] = mean_and_se(r.held_out);
  result["gaussian"] = mean_and_se(r.baselines.gaussian);
  result["mixture"] = mean_and_se(r.baselines.mixture);
  if (r.fit.stack) {
    result["folds"] = r.fit.stack->folds;
    result["members"] = r.fit.stack->members.size();
  }
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
    "seconds. Of a stacked mixture also folds and members; its three means are over all rows, each "
    "by what was not fitted to it. Of images, in "
    "place of columns to mixture: images, training_images, validation_images, bits_per_dim of the "
    "held-out ones, pixels_bits_per_dim of independent pixels";

std::string result_text(const std::string& checkpoint, const FitResult& r, double seconds) {
  const std::string head = checkpoint + ": ";
  if (r.fit.data.image) return head + image_text(r) + progress_text(r, seconds);
  if (r.fit.stack) return head + stack_text(r, seconds) + remarks(r);
  return head + table_text(r) + progress_text(r, seconds) + remarks(r);
}

nlohmann::json result_json(const std::string& checkpoint, const FitResult& r, double seconds) {
  const TrainState& state = r.fit.state;
  nlohmann::json result = {{"checkpoint", checkpoint},
                           {"steps", state.step},
                           {"planned_steps", r.fit.settings.train.steps},
                           {"best_step", state.best_step},
                           {"stopped_early", stopped_early(r.fit)},
                           {"refit_steps", is_refitted(r.fit) ? r.fit.refit->step : 0},
                           {"activation", r.fit.settings.flow.activation},
                           {"parameters", r.parameters},
                           {"divergences", state.divergences.size() +
                                               (r.fit.refit ? r.fit.refit->divergences.size() : 0)},
                           {"seconds", seconds}};
  if (r.fit.data.image) {
    add_image_fields(r, result);
  } else {
    add_table_fields(r, result);
  }
  return result;
}

std::string ended_text(const FitResult& r) {
  const Fit& fit = r.fit;
  const auto progress = [](std::uint64_t step, std::uint64_t of) {
    return "step " + std::to_string(step) + " of " + std::to_string(of);
  };
  switch (*r.ended_in) {
    case FitPhase::kTrial:
      return "a fit whose activation is yet to be chosen";
    case FitPhase::kRefit:
      return "the fit, and " + progress(fit.refit->step, refit_steps(fit)) +
             " of the refit to all rows";
    case FitPhase::kFit:
      break;
  }
  return progress(fit.state.step, fit.settings.train.steps);
}

}  // namespace iflow
