#include "compare_report.h"

#include "fit_result.h"
#include "model/integer_columns.h"
#include "recipes/settings_json.h"
#include "report/number_format.h"
#include "report/text_table.h"

namespace iflow {
namespace {

using nlohmann::json;

MeanAndError negated(const MeanAndError& x) { return {-x.mean, x.standard_error}; }

// Nats of a negative log-likelihood in what `data` are told in: nats, or of images bits/dim.
MeanAndError in_units(const ComparedData& data, const MeanAndError& nats) {
  if (!data.record().image) return nats;
  return bits_per_dimension({-nats.mean, nats.standard_error}, data.record().image->shape.size());
}

const char* unit_of(const ComparedData& data) { return data.record().image ? "bits/dim" : "nats"; }

std::vector<std::string> table_row(const ComparedData& data, const ComparedModel& model) {
  const bool is_best = &model == &best_of(data);
  return {data.name,
          model.name,
          with_error(in_units(data, mean_of(data, model))),
          is_best ? "best" : with_error(in_units(data, above_best(data, model))),
          with_commas(model.fitted.parameters),
          with_commas(model.fitted.fit.state.step),
          fixed_point(model.seconds, 1),
          significant(model.measures.inverse_error, 2),
          with_commas(static_cast<std::uint64_t>(model.measures.density_rate)),
          with_commas(static_cast<std::uint64_t>(model.measures.sample_rate))};
}

std::string footnote(const ComparedData& data) {
  if (data.record().image) {
    return data.name + ": " + with_commas(data.record().training_rows) + " images to train on, " +
           with_commas(data.record().validation_rows) +
           " held out, on which independent pixels have " +
           with_error(in_units(data, negated(data.any().baselines.pixels))) + "\n";
  }
  std::string text = data.name + ": " + with_commas(data.record().training_rows) +
                     " rows to train on, " + with_commas(data.record().validation_rows) +
                     " held out, on which a Gaussian has " +
                     with_error(negated(data.any().baselines.gaussian)) + ", a mixture of " +
                     std::to_string(data.any().fit.mixture.weights.size()) + " " +
                     with_error(negated(data.any().baselines.mixture)) + "\n";
  if (!data.any().fit.lattices.empty())
    text += measure_of(data.any().fit.lattices, data.record().columns) + "\n";
  return text;
}

json model_json(const ComparedData& data, const ComparedModel& model) {
  const Fit& fit = model.fitted.fit;
  json result = {{"model", model.name},
                 {"checkpoint", model.checkpoint.empty() ? json() : json(model.checkpoint)},
                 {"negative_log_likelihood", mean_and_se(mean_of(data, model))},
                 {"above_best", mean_and_se(above_best(data, model))},
                 {"parameters", model.fitted.parameters},
                 {"steps", fit.state.step},
                 {"best_step", fit.state.best_step},
                 {"stopped_early", stopped_early(fit)},
                 {"seconds", model.seconds},
                 {"inverse_error", model.measures.inverse_error},
                 {"unconverged", model.measures.unconverged},
                 {"logprob_rows_per_second", model.measures.density_rate},
                 {"sample_rows_per_second", model.measures.sample_rate},
                 {"options", settings_to_json(fit.settings)}};
  if (data.record().image) {
    result["bits_per_dim"] = mean_and_se(in_units(data, mean_of(data, model)));
  }
  return result;
}

json data_json(const ComparedData& data) {
  json result = {{"data", data.name},
                 {"training_rows", data.record().training_rows},
                 {"validation_rows", data.record().validation_rows}};
  if (data.record().image) {
    const ImageShape& shape = data.record().image->shape;
    result["image"] = {{"height", shape.height},
                       {"width", shape.width},
                       {"channels", shape.channels},
                       {"bits", data.record().image->bits}};
    result["pixels"] = mean_and_se(negated(data.any().baselines.pixels));
  } else {
    result["columns"] = data.record().columns;
    result["dequantised"] = names_of(data.any().fit.lattices, data.record().columns);
    result["gaussian"] = mean_and_se(negated(data.any().baselines.gaussian));
    result["mixture"] = mean_and_se(negated(data.any().baselines.mixture));
  }
  return result;
}

}  // namespace

const char* const kComparisonFields =
    "a list with an object for each DATA: data (its name), columns, training_rows, "
    "validation_rows; dequantised (integer columns, spread over their steps); gaussian and "
    "mixture: "
    "{mean, se} of the negative log-likelihood per held-out row in nats, of the baselines; models, "
    "a list: model, checkpoint (null: not kept), negative_log_likelihood and above_best (its "
    "excess over the best model's, row by row): {mean, se}, parameters (numbers learned), steps "
    "(done), best_step (whose parameters are kept), stopped_early, seconds (of the fit), "
    "inverse_error (the largest over the held-out rows, in standard deviations of the column), "
    "unconverged (held-out rows whose inverse missed its tolerance), logprob_rows_per_second and "
    "sample_rows_per_second (in memory), options (every option of the fit). Of images, in place "
    "of columns, dequantised, gaussian and mixture: image and pixels (of independent pixels); of "
    "each model also bits_per_dim: {mean, se}; inverse_error is in steps of a pixel, over the "
    "first hundred held-out images at most, from the middle of their bins";

std::string likelihood_text(const ComparedData& data, const ComparedModel& model) {
  return with_error(in_units(data, mean_of(data, model))) + " " + unit_of(data) +
         (data.record().image ? " of the held-out images" : " per held-out row");
}

std::string comparison_text(const std::vector<ComparedData>& comparisons) {
  const bool is_single = comparisons.size() == 1;
  const std::string unit = unit_of(comparisons.front());
  const std::string rate = comparisons.front().record().image ? " images/s" : " rows/s";
  std::vector<std::string> header = {
      "data",  "model",   "held-out " + unit, "above best",     "parameters",
      "steps", "seconds", "inverse error",    "logprob" + rate, "sample" + rate};
  std::vector<std::vector<std::string>> rows;
  std::string footnotes;
  for (const ComparedData& data : comparisons) {
    for (const ComparedModel& model : data.models) {
      rows.push_back(table_row(data, model));
      if (is_single) rows.back().erase(rows.back().begin());
    }
    footnotes += footnote(data);
  }
  if (is_single) header.erase(header.begin());
  return format_text_table(header, rows) + "\n" + footnotes;
}

json comparison_json(const std::vector<ComparedData>& comparisons) {
  json list = json::array();
  for (const ComparedData& data : comparisons) {
    json models = json::array();
    for (const ComparedModel& model : data.models) models.push_back(model_json(data, model));
    list.push_back(data_json(data));
    list.back()["models"] = std::move(models);
  }
  return list;
}

}  // namespace iflow
