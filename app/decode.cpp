// iflow decode: latent rows z to rows or images x = f^-1(z).
#include <CLI/CLI.hpp>
#include <memory>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "image_output.h"
#include "inversion.h"
#include "model/given_columns.h"
#include "model/image_rows.h"
#include "model/integer_columns.h"
#include "options.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

struct DecodeOptions {
  std::string checkpoint;
  RowInput input;
  std::string output = "-";
  InverseOptions inverse;
  bool bound = false;
  bool json = false;
};

// (n, d) -> (n, d + 1)
std::vector<double> with_bound(const std::vector<double>& x, const std::vector<double>& bound) {
  const std::size_t d = x.size() / bound.size();
  std::vector<double> rows;
  rows.reserve(x.size() + bound.size());
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const auto row = x.begin() + static_cast<std::ptrdiff_t>(i * d);
    rows.insert(rows.end(), row, row + static_cast<std::ptrdiff_t>(d));
    rows.push_back(bound[i]);
  }
  return rows;
}

void refuse_row_options(const DecodeOptions& options) {
  const char* name = options.bound                               ? "--bound"
                     : options.json                              ? "--json"
                     : !options.input.table.keep.empty()         ? "--keep"
                     : options.input.table.na == NaPolicy::kDrop ? "--na drop"
                                                                 : nullptr;
  if (name == nullptr) return;
  throw UsageError(std::string(name) + ": " + options.checkpoint +
                   " is a model of images, which are written, not rows");
}

void run_to_images(const DecodeOptions& options, const FittedModel& model) {
  refuse_row_options(options);
  const auto out = open_image_output(options.output);
  TableReader reader = open_rows(options.input, latent_names(model.dimension()), true);
  std::size_t unconverged = 0;
  const auto decode = [&](const Rows& rows) {
    InversionReport report;
    std::vector<double> x = model.decode(rows.values, options.inverse, report);
    unconverged += report.unconverged;
    return x;
  };
  const RowCounts counts = for_each_chunk(reader, options.input.path, decode,
                                          [&](const TableChunk&, std::span<const double> x) {
                                            out->add(images_of(*model.columns().image(), x));
                                          });
  out->finish();
  finish_inversion(unconverged, counts.read, options.inverse);
}

void run(const DecodeOptions& options) {
  const FittedModel model = load_model(options.checkpoint);
  if (model.columns().image()) return run_to_images(options, model);
  const DataRecord& data = model.record().data;
  const auto out = open_row_output(options.output, options.json);
  std::vector<std::string> latent = latent_names(model.dimension());
  latent.insert(latent.end(), data.given.begin(), data.given.end());
  TableReader reader = open_rows(options.input, latent, true);
  std::size_t unconverged = 0;
  const auto decode = [&](const Rows& rows) {
    InversionReport report;
    InverseOptions inverse = options.inverse;
    inverse.local = options.bound;
    std::vector<double> x = model.decode(rows.values, inverse, report);
    unconverged += report.unconverged;
    return options.bound ? with_bound(x, report.bound) : x;
  };
  std::vector<std::string> columns = data.columns;
  if (options.bound) columns.emplace_back("bound");
  const RowCounts counts = stream_rows(reader, options.input.path, decode, columns, *out);
  warn_of_dropped(counts);
  finish_inversion(unconverged, counts.read - counts.dropped, options.inverse);
}

}  // namespace

void add_decode(CLI::App& program) {
  CLI::App& command =
      add_command(program, "decode", "Latent rows z1, z2, ... back to rows of the data, or images",
                  "iflow encode moons.iflow moons.csv | iflow decode moons.iflow - > again.csv");
  const auto options = std::make_shared<DecodeOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_keep_option(command, options->input);
  add_tolerance_option(command, options->inverse);
  command.add_flag("--bound", options->bound,
                   "Add a column \"bound\": a proved bound of the row's distance to the exact "
                   "inverse, rounding errors included, before integers are rounded down; inf "
                   "where nothing is proved");
  add_output_option(command, options->output, kImageOutputHelp);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             "an object a row, {\"x1\": 0.5, \"x2\": 0.1}, with --bound also "
                             "\"bound\" (\"inf\" where nothing is proved), and the kept "
                             "columns as text; null for the numbers of a dropped row.");
  command.callback([options, &command] {
    settle_input(command, options->input);
    run(*options);
  });
}

}  // namespace iflow
