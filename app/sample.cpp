// iflow sample: new rows or images, drawn from the model.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "image_output.h"
#include "image_rows.h"
#include "integer_columns.h"
#include "inversion.h"
#include "number_checks.h"
#include "options.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"

namespace iflow {

namespace {

struct SampleOptions {
  std::string checkpoint;
  std::uint64_t rows = 0;
  std::uint64_t seed = 0;
  double temperature = 1;
  InverseOptions inverse;
  std::string output = "-";
  bool json = false;
};

void write_rows(const std::vector<double>& x, std::uint64_t first_row, std::size_t dimension,
                RowOutput& out) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) {
      throw NumericError("sample: row " + std::to_string(first_row + i / dimension + 1) +
                         " is not finite; is --temperature too high?");
    }
    out.number(x[i]);
    if ((i + 1) % dimension == 0) out.end_row();
  }
}

void run_to_images(const SampleOptions& options, const Fit& fit, const Model& model) {
  if (options.json) throw UsageError("--json: images are written, not rows");
  const auto out = open_image_output(options.output);
  const std::size_t chunk = chunk_rows(model.dimension());
  std::size_t unconverged = 0;
  for (std::uint64_t first = 0; first < options.rows; first += chunk) {
    const std::size_t n = std::min<std::uint64_t>(chunk, options.rows - first);
    const std::vector<double> z = model.sample_latent(options.seed, first, n, options.temperature);
    InversionReport report;
    out->add(images_of(*fit.data.image, model.decode(z, options.inverse, report)));
    unconverged += report.unconverged;
  }
  out->finish();
  finish_inversion(unconverged, options.rows, options.inverse);
}

void run(const SampleOptions& options) {
  const Fit fit = load_fit_without_training(options.checkpoint);
  const Model model = model_of(fit, options.checkpoint);
  if (fit.data.image) return run_to_images(options, fit, model);
  const auto out = open_row_output(options.output, options.json, options.rows);
  out->begin(fit.data.columns, fit.data.has_header);
  const std::size_t d = model.dimension(), chunk = chunk_rows(d);
  const Dequantise dequantise = dequantise_of(fit);
  std::size_t unconverged = 0;
  for (std::uint64_t first = 0; first < options.rows; first += chunk) {
    const std::size_t n = std::min<std::uint64_t>(chunk, options.rows - first);
    const std::vector<double> z = model.sample_latent(options.seed, first, n, options.temperature);
    InversionReport report;
    std::vector<double> x = model.decode(z, options.inverse, report);
    dequantise.round_down(x);
    write_rows(x, first, d, *out);
    unconverged += report.unconverged;
  }
  out->finish();
  finish_inversion(unconverged, options.rows, options.inverse);
}

}  // namespace

void add_sample(CLI::App& program) {
  CLI::App& command = add_command(program, "sample", "New rows or images drawn from the model",
                                  "iflow sample moons.iflow -n 1000 > new.csv");
  const auto options = std::make_shared<SampleOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  command
      .add_option("-n,--rows", options->rows,
                  "Draw N rows; the first ones are the same for every N")
      ->check(count_up_to(kMaxRows))
      ->type_name("N")
      ->required();
  command
      .add_option("--temperature", options->temperature,
                  "Draw z ~ N(0, T^2 I): below 1, rows of high density")
      ->check(number_where("a number from 0 to 1000", [](double t) { return t >= 0 && t <= 1000; }))
      ->type_name("T")
      ->capture_default_str();
  add_tolerance_option(command, options->inverse);
  add_output_option(command, options->output, kImageOutputHelp);
  add_seed_option(command, options->seed);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             "an object a row, {\"x1\": 0.5, \"x2\": 0.1}.");
  command.callback([options] { run(*options); });
}

}  // namespace iflow
