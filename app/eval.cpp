// iflow eval: how good a model is on held-out rows.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "density_options.h"
#include "eval_baselines.h"
#include "eval_report.h"
#include "image_eval.h"
#include "image_options.h"
#include "inversion.h"
#include "model/integer_columns.h"
#include "model/marginals.h"
#include "options.h"
#include "report/number_format.h"
#include "result.h"
#include "row_input.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

struct EvalOptions {
  std::string checkpoint;
  RowInput input;
  std::string train;  // the rows of the KDE; empty: none
  DensityOptions density;
  bool json = false;
};

// The error is NaN where it is undefined: for a single row, and with an infinite density.
MeanAndError summarise(const std::vector<double>& log_p) {
  MeanAndError result = mean_and_error(log_p);
  if (log_p.size() == 1) result.standard_error = std::numeric_limits<double>::quiet_NaN();
  return result;
}

std::vector<double> differences(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

// One pass over the rows to evaluate.
class Evaluator {
 public:
  Evaluator(const EvalOptions& options, const FittedModel& model, const Density& density,
            const std::vector<Baseline>& baselines)
      : options_(options),
        model_(model),
        density_(density),
        baselines_(baselines),
        log_p_of_baselines_(baselines.size()),
        x_(model.dimension()),
        z_(model.dimension()) {}

  Evaluation run() {
    TableReader reader = open_rows(options_.input, model_.record().data);
    Evaluation result;
    result.counts = for_each_chunk(
        reader, options_.input.path, [&](const Rows& rows) { return measure(rows); },
        [](const TableChunk&, std::span<const double>) {});
    check_rows();
    result.infinite = count_infinite(log_p_);
    result.draws = density_.draws();
    result.model = summarise(log_p_);
    for (std::size_t b = 0; b < baselines_.size(); ++b) {
      const Baseline& baseline = baselines_[b];
      const std::vector<double>& log_p = log_p_of_baselines_[b];
      result.comparisons.push_back({baseline.name, baseline.key, baseline.difference_key,
                                    summarise(log_p), summarise(differences(log_p_, log_p))});
    }
    result.columns = modelled_columns(model_.record().data);
    result.z = std::move(z_);
    result.marginals = marginals_of(model_.flow(), x_, conditions_, options_.density.seed);
    return result;
  }

  const MissedPromises& missed() const { return missed_; }

 private:
  std::vector<double> measure(const Rows& rows) {
    const std::vector<DensityEstimate> results = density_(rows);
    std::vector<double> log_p;
    for (const DensityEstimate& row : results) log_p.push_back(row.value);
    log_p_.insert(log_p_.end(), log_p.begin(), log_p.end());
    const MissedPromises more = density_.missed(results);
    missed_.standard_errors += more.standard_errors;
    missed_.bounds += more.bounds;
    const auto averages = averaged_log_densities(baselines_, density_, rows);
    for (std::size_t b = 0; b < baselines_.size(); ++b) {
      log_p_of_baselines_[b].insert(log_p_of_baselines_[b].end(), averages[b].begin(),
                                    averages[b].end());
    }
    keep_images(rows);
    return log_p;
  }

  // x and z of the rows that have a latent row: not those outside their bounds or off their
  // lattice.
  void keep_images(const Rows& rows) {
    const std::size_t d = model_.dimension(), width = model_.row_width();
    const std::vector<double> x = density_.drawn(rows, 0), z = model_.flow().encode(x);
    const std::vector<double> in_order = model_.columns().in_flow_order(rows.values);
    for (std::size_t row = 0; row < rows.indices.size(); ++row) {
      const auto given = std::span(in_order).subspan(row * width, width);
      if (!model_.columns().problem(given).empty()) continue;
      for (std::size_t j = 0; j < d; ++j) {
        x_[j].push_back(x[row * width + j]);
        z_[j].push_back(z[row * d + j]);
      }
      const auto condition = given.subspan(d);
      conditions_.insert(conditions_.end(), condition.begin(), condition.end());
    }
  }

  void check_rows() const {
    const std::string path = display_name(options_.input.path);
    if (log_p_.empty()) throw DataError(path + ": every row has a missing value");
    if (z_.front().empty()) {
      throw DataError(path +
                      ": every row is outside its bounds, or off the lattice of its integers");
    }
  }

  const EvalOptions& options_;
  const FittedModel& model_;
  const Density& density_;
  const std::vector<Baseline>& baselines_;
  std::vector<double> log_p_;
  std::vector<std::vector<double>> log_p_of_baselines_;
  std::vector<std::vector<double>> x_, z_;  // by columns
  std::vector<double> conditions_;          // of their rows, by rows
  MissedPromises missed_;
};

std::vector<std::string> notes_on(const Evaluation& e, const Fit& fit,
                                  const std::optional<KernelDensity>& kde) {
  std::vector<std::string> notes;
  if (kde) notes.push_back(describe(*kde, fit));
  notes.push_back("PIT: a number's rank among those of " + with_commas(kMarginalSamples) +
                  " rows sampled from the model; uniform, of mean 0.5 and standard deviation "
                  "0.2887, where the model has the column right" +
                  (fit.data.given.empty() ? ""
                                          : "; sampled at the conditions of the rows, one after "
                                            "the other"));
  if (e.draws > 0) {
    notes.push_back(measure_of(fit.lattices, row_columns(fit.data)) + "; " +
                    std::to_string(e.draws) +
                    " draws a row here, for the baselines as well, and one for z and the PIT");
  }
  return notes;
}

// The mean over images averages their noise: of each of them, the least will do.
DensityOptions density_of_many(DensityOptions options) {
  constexpr std::size_t kFewest = 2;
  if (!options.draws) options.draws = kFewest;
  if (!options.probes_given && !options.estimate.max_standard_error) {
    options.estimate.probes = kFewest;
  }
  return options;
}

void run(const EvalOptions& options) {
  const FittedModel model = load_model(options.checkpoint);
  const Fit& fit = model.record();
  if (fit.data.image) {
    if (!options.train.empty()) throw UsageError("--train: there is no KDE of images");
    return evaluate_images(options.input, options.checkpoint, model,
                           density_of_many(options.density), options.json);
  }
  const Density density = model.density(options.density);
  std::optional<KernelDensity> kde;
  if (options.train == "-" && options.input.path == "-") {
    throw UsageError("--train: standard input is DATA already");
  }
  if (!options.train.empty()) {
    kde = kde_of_file(fit, options.train, options.input, options.density.seed);
  }
  const std::vector<Baseline> baselines = baselines_of(fit, kde);
  Evaluator evaluator(options, model, density, baselines);
  Evaluation evaluation = evaluator.run();
  evaluation.notes = notes_on(evaluation, fit, kde);
  if (options.json) {
    nlohmann::json result = evaluation_json(evaluation);
    result["mixture_components"] = fit.mixture.weights.size();
    if (kde) {
      result["kde_bandwidth"] = kde->bandwidth;
      result["kde_rows"] = kde->centres.size() / model.row_width();
    }
    print_result(result);
  } else {
    print_result(evaluation_text(evaluation));
  }
  warn_of_dropped(evaluation.counts);
  warn_of_infinite(evaluation.infinite);
  warn_of_missed(evaluator.missed());
  finish_inversion(evaluation.marginals.unconverged, kMarginalSamples, {});
}

}  // namespace

void add_eval(CLI::App& program) {
  CLI::App& command =
      add_command(program, "eval",
                  "Likelihood of held-out rows, against a Gaussian's and a mixture's, or of images",
                  "iflow eval moons.iflow heldout.csv --train moons.csv");
  const auto options = std::make_shared<EvalOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_image_options(command, options->input.image);
  command
      .add_option("--train", options->train,
                  "Compare with a kernel density estimate on the rows of this file")
      ->type_name("FILE");
  add_density_options(command, options->density);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             std::string(kEvaluationFields) + "\n" + kImageEvaluationFields);
  command.callback([options, &command] {
    settle_input(command, options->input);
    settle_density(command, options->density);
    run(*options);
  });
}

}  // namespace iflow
