// iflow eval: how good a model is on held-out rows.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "column_bounds.h"
#include "commands.h"
#include "density.h"
#include "eval_normality.h"
#include "flow/dequantise.h"
#include "integer_columns.h"
#include "number_format.h"
#include "objective/gaussian.h"
#include "objective/summary.h"
#include "options.h"
#include "report/text_table.h"
#include "result.h"
#include "row_input.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

using nlohmann::json;

struct EvalOptions {
  std::string checkpoint;
  RowInput input;
  DensityOptions density;
  bool json = false;
};

struct Evaluation {
  RowCounts counts;
  std::size_t draws = 0;  // of every row's noise, with integer columns
  std::size_t rows() const { return counts.read - counts.dropped; }
  std::size_t infinite = 0;            // rows of log-density -inf
  MeanAndError model;                  // log-density, nats per row
  MeanAndError gaussian;               // that of the baseline
  MeanAndError mixture;                // that of the mixture of Gaussians
  std::size_t components = 0;          // of the mixture
  MeanAndError gain;                   // model - Gaussian, row by row
  MeanAndError mixture_gain;           // model - mixture
  std::vector<std::vector<double>> z;  // latent columns, of the rows within their bounds
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

// Appends the baseline's log-density of every row, averaged over the draws of its noise.
template <class LogDensity>
void add_average(std::vector<double>& log_p, const Density& density, const Rows& rows,
                 const LogDensity& of) {
  const std::size_t draws = std::max<std::size_t>(density.draws(), 1), first = log_p.size();
  log_p.resize(first + rows.indices.size(), 0);
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const std::vector<double> drawn = of(density.drawn(rows, draw));
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      log_p[first + i] += drawn[i] / static_cast<double>(draws);
    }
  }
}

Evaluation evaluate(const EvalOptions& options, const Fit& fit, const Model& model,
                    Density& density) {
  const std::size_t d = model.dimension();
  TableReader reader = open_rows(options.input, fit.data.columns, fit.data.has_header);
  Evaluation result;
  result.draws = density.draws();
  result.z.resize(d);
  const std::size_t width = density.columns().size();
  std::vector<double> log_p, log_p_gaussian, log_p_mixture;
  const std::optional<BoundsConfig> bounds = find_bounds(fit);
  const Dequantise dequantise = dequantise_of(fit);
  const auto measure = [&](const Rows& rows) {
    const std::vector<double> results = density(rows);
    for (std::size_t i = 0; i < results.size(); i += width) log_p.push_back(results[i]);
    add_average(log_p_gaussian, density, rows,
                [&](std::span<const double> x) { return log_density(fit.gaussian, x); });
    add_average(log_p_mixture, density, rows,
                [&](std::span<const double> x) { return log_density(fit.mixture, x); });
    const std::vector<double> z = model.encode(density.drawn(rows, 0));
    for (std::size_t row = 0; row < rows.indices.size(); ++row) {
      // A row outside its bounds or off its lattice has density zero and no image.
      const auto x = rows.values.subspan(row * d, d);
      if (bounds && find_outside(*bounds, fit.data.columns, x)) continue;
      if (dequantise.off_lattice(x) != nullptr) continue;
      for (std::size_t i = 0; i < d; ++i) result.z[i].push_back(z[row * d + i]);
    }
    return results;
  };
  result.counts = for_each_chunk(reader, options.input.path, measure,
                                 [](const TableChunk&, std::span<const double>) {});
  if (log_p.empty()) {
    throw DataError(display_name(options.input.path) + ": every row has a missing value");
  }
  if (result.z.front().empty()) {
    throw DataError(display_name(options.input.path) +
                    ": every row is outside its bounds, or off the lattice of its integers");
  }
  result.infinite = count_infinite(log_p);
  result.model = summarise(log_p);
  result.gaussian = summarise(log_p_gaussian);
  result.mixture = summarise(log_p_mixture);
  result.components = fit.mixture.weights.size();
  result.gain = summarise(differences(log_p, log_p_gaussian));
  result.mixture_gain = summarise(differences(log_p, log_p_mixture));
  return result;
}

// Nats per row -> bits per dimension, where less is better.
MeanAndError in_bits(const MeanAndError& log_p, std::size_t dimension) {
  return {bits_per_dimension(log_p.mean, dimension),
          -bits_per_dimension(log_p.standard_error, dimension)};
}

std::string text_of(const Evaluation& e) {
  const std::size_t d = e.z.size(), n = e.z.front().size();
  const auto likelihood = [&](const std::string& name, const MeanAndError& log_p) {
    return std::vector<std::string>{name, with_error(log_p), with_error(in_bits(log_p, d))};
  };
  std::vector<std::vector<std::string>> latent;
  const std::vector<std::string> names = latent_names(d);
  for (std::size_t i = 0; i < d; ++i) {
    const Normality z = normality(e.z[i]);
    latent.push_back({names[i], fixed_point(z.mean), fixed_point(z.deviation),
                      fixed_point(z.skewness), fixed_point(z.excess_kurtosis),
                      fixed_point(z.ks_distance), fixed_point(ks_critical(n))});
  }
  return format_text_table(
             {"mean over " + with_commas(e.rows()) + (e.rows() == 1 ? " row" : " rows"),
              "log-likelihood, nats", "bits/dim"},
             {likelihood("model", e.model), likelihood("Gaussian", e.gaussian),
              likelihood("mixture of " + std::to_string(e.components), e.mixture),
              likelihood("model - Gaussian", e.gain),
              likelihood("model - mixture", e.mixture_gain)}) +
         "\n" +
         format_text_table({"latent", "mean", "std. dev.", "skewness", "excess kurtosis",
                            "KS distance", "5 % critical"},
                           latent);
}

json likelihood_json(const MeanAndError& log_p, std::size_t dimension) {
  const MeanAndError bits = in_bits(log_p, dimension);
  return {{"nats", log_p.mean},
          {"nats_se", log_p.standard_error},
          {"bits_per_dim", bits.mean},
          {"bits_per_dim_se", bits.standard_error}};
}

json json_of(const Evaluation& e) {
  const std::size_t d = e.z.size(), n = e.z.front().size();
  json latent = json::array();
  const std::vector<std::string> names = latent_names(d);
  for (std::size_t i = 0; i < d; ++i) {
    const Normality z = normality(e.z[i]);
    latent.push_back({{"column", names[i]},
                      {"mean", z.mean},
                      {"standard_deviation", z.deviation},
                      {"skewness", z.skewness},
                      {"excess_kurtosis", z.excess_kurtosis},
                      {"ks_distance", z.ks_distance},
                      {"ks_critical", ks_critical(n)}});
  }
  return {{"rows", e.rows()},
          {"dropped", e.counts.dropped},
          {"infinite", e.infinite},
          {"draws", e.draws},
          {"model", likelihood_json(e.model, d)},
          {"gaussian", likelihood_json(e.gaussian, d)},
          {"mixture", likelihood_json(e.mixture, d)},
          {"mixture_components", e.components},
          {"difference", likelihood_json(e.gain, d)},
          {"mixture_difference", likelihood_json(e.mixture_gain, d)},
          {"latent", std::move(latent)}};
}

void run(const EvalOptions& options) {
  const Fit fit = load_fit_without_training(options.checkpoint);
  const Model model = model_of(fit, options.checkpoint);
  Density density(fit, model, options.density);
  const Evaluation evaluation = evaluate(options, fit, model, density);
  if (options.json) {
    print_result(json_of(evaluation));
  } else {
    print_result(text_of(evaluation));
    if (evaluation.draws > 0) {
      print_result(
          "\n" + measure_of(fit.lattices, fit.data.columns) + "; " +
          std::to_string(evaluation.draws) +
          " draws a row here, for the baselines as well, and one for the latent columns\n");
    }
  }
  warn_of_dropped(evaluation.counts);
  warn_of_infinite(evaluation.infinite);
  density.check_promises();
}

}  // namespace

void add_eval(CLI::App& program) {
  CLI::App& command =
      add_command(program, "eval", "Likelihood of held-out rows, against a Gaussian's",
                  "iflow eval moons.iflow heldout.csv");
  const auto options = std::make_shared<EvalOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_density_options(command, options->density);
  add_threads_option(command);
  add_documented_json_option(
      command, options->json,
      "an object\n"
      "  rows, dropped, infinite      rows used; left out for missing values; of density zero\n"
      "  draws                        with integer columns: how often each row's were spread\n"
      "                               over their steps, the likelihoods averaged; else 0\n"
      "  mixture, mixture_difference, mixture_components\n"
      "                               the same for a mixture of Gaussians, and their number\n"
      "  model, gaussian, difference  nats (mean log-likelihood per row), nats_se,\n"
      "                               bits_per_dim, bits_per_dim_se; the difference is taken row\n"
      "                               by row\n"
      "  latent                       for each column of z: column, mean, standard_deviation,\n"
      "                               skewness, excess_kurtosis, ks_distance (Kolmogorov-Smirnov,\n"
      "                               to N(0, 1)), ks_critical (its 5 % critical value)\n"
      "  Undefined and infinite numbers are null.");
  command.callback([options, &command] {
    settle_input(command, options->input);
    settle_density(command, options->density);
    run(*options);
  });
}

}  // namespace iflow
