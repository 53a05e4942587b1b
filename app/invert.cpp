// iflow invert: rows or images through the flow and back, and how well that went.
#include <CLI/CLI.hpp>
#include <memory>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "image_input.h"
#include "image_invert_report.h"
#include "image_options.h"
#include "image_output.h"
#include "inversion.h"
#include "invert_report.h"
#include "model/column_bounds.h"
#include "model/given_columns.h"
#include "model/image_rows.h"
#include "model/integer_columns.h"
#include "options.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"
#include "row_warnings.h"
#include "screen.h"

namespace iflow {

namespace {

struct InvertOptions {
  std::string checkpoint;
  RowInput input;
  std::string output = "-";
  InverseOptions inverse;
  bool quiet = false;
  bool json = false;
};

void run_on_images(const InvertOptions& options, const FittedModel& model) {
  const auto out = open_image_output(options.output);
  ImageReader reader = open_images(options.input, model.record(), options.checkpoint);
  ImageInvertReport report(model.flow());
  for_each_images(reader, [&](const Images& images, const Rows& rows) {
    const Reconstruction again = model.reconstruct(rows.values, options.inverse);
    Images reconstructions = images_of(*model.columns().image(), again.rows);
    reconstructions.names = images.names;
    report.add(images, reconstructions, again.back, again.inversion);
    out->add(reconstructions);
  });
  out->finish();
  if (options.json) print_result(report.json());
  Screen(options.quiet || options.json).note(report.text());
  finish_inversion(report.unconverged(), report.images(), options.inverse);
}

void run(const InvertOptions& options) {
  if (options.json && options.output == "-") {
    throw UsageError("--json prints the report on standard output: give the rows a file with -o");
  }
  const FittedModel model = load_model(options.checkpoint);
  const Fit& fit = model.record();
  if (fit.data.image) return run_on_images(options, model);
  const auto out = open_row_output(options.output, false);
  TableReader reader = open_rows(options.input, fit.data);
  InvertReport report(fit, model.flow());
  const auto reconstruct = [&](const Rows& rows) {
    const Reconstruction again = model.reconstruct(rows.values, options.inverse);
    report.add(again.x, again.back, again.inversion);
    return again.rows;
  };
  const RowCounts counts =
      stream_rows(reader, options.input.path, reconstruct, fit.data.columns, *out);
  if (options.json) print_result(report.json());
  Screen(options.quiet || options.json).note(report.text());
  warn_of_dropped(counts);
  finish_inversion(report.unconverged(), report.rows(), options.inverse);
}

}  // namespace

void add_invert(CLI::App& program) {
  CLI::App& command =
      add_command(program, "invert",
                  "Rows or images through the flow and back; reports errors and proved "
                  "bounds on stderr",
                  "iflow invert moons.iflow moons.csv -o again.csv");
  const auto options = std::make_shared<InvertOptions>();
  options->inverse.local = true;
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_image_options(command, options->input.image);
  add_keep_option(command, options->input);
  add_tolerance_option(command, options->inverse);
  add_output_option(command, options->output, kImageOutputHelp);
  add_threads_option(command);
  add_quiet_option(command, options->quiet);
  add_documented_json_option(
      command, options->json,
      "the report (the rows then need -o):\n"
      "  rows, unconverged      how many were inverted; how many missed --tol\n"
      "  largest_error          distance between a row and its reconstruction\n"
      "  largest_bound          proved distance to the exact inverse, rounding included, in the\n"
      "                         data's units (null: infinite, or nothing is proved)\n"
      "  bound_says_something   whether that is below the spread of every column\n"
      "  blocks                 name, lipschitz_bound, mean_evaluations, max_evaluations\n"
      "  columns                name, spread (standard deviation of the training data),\n"
      "                         max_error, mean_error\n"
      "for a model of images, in place of rows and columns:\n"
      "  images, exact_images   how many there were, and came back to the byte\n"
      "  max_error, mean_error  of a number in front of rounding, a pixel's step being 1");
  command.callback([options, &command] {
    settle_input(command, options->input);
    run(*options);
  });
}

}  // namespace iflow
