// iflow encode: rows or images x to latent rows z = f(x).
#include <CLI/CLI.hpp>
#include <memory>

#include "checkpoint/model_file.h"
#include "commands.h"
#include "image_input.h"
#include "image_options.h"
#include "options.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

struct EncodeOptions {
  std::string checkpoint;
  RowInput input;
  std::string output = "-";
  bool json = false;
};

void run_on_images(const EncodeOptions& options, const FittedModel& model) {
  ImageReader reader = open_images(options.input, model.record(), options.checkpoint);
  const std::size_t d = model.dimension();
  const auto out = open_row_output(options.output, options.json, reader.count());
  out->begin(latent_names(d), false);
  for_each_images(reader, [&](const Images&, const Rows& rows) {
    const std::vector<double> z = model.encode(rows.values);
    for (std::size_t i = 0; i < z.size(); ++i) {
      out->number(z[i]);
      if ((i + 1) % d == 0) out->end_row();
    }
  });
  out->finish();
}

void run(const EncodeOptions& options) {
  const FittedModel model = load_model(options.checkpoint);
  if (model.columns().image()) return run_on_images(options, model);
  const DataRecord& data = model.record().data;
  const auto out = open_row_output(options.output, options.json);
  TableReader reader = open_rows(options.input, data);
  const auto encode = [&](const Rows& rows) { return model.encode(rows.values); };
  std::vector<std::string> columns = latent_names(model.dimension());
  columns.insert(columns.end(), data.given.begin(), data.given.end());
  warn_of_dropped(stream_rows(reader, options.input.path, encode, columns, *out));
}

}  // namespace

void add_encode(CLI::App& program) {
  CLI::App& command =
      add_command(program, "encode",
                  "Rows of a table, or images, to latent rows z1, z2, ..., normally distributed",
                  "iflow encode moons.iflow moons.csv | iflow decode moons.iflow - > again.csv");
  const auto options = std::make_shared<EncodeOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_image_options(command, options->input.image);
  add_keep_option(command, options->input);
  add_output_option(command, options->output);
  add_threads_option(command);
  add_documented_json_option(
      command, options->json,
      "an object a row, {\"z1\": 0.5, \"z2\": -1.2} and the kept columns as "
      "text, the given columns of a conditional model behind the z; null for "
      "the numbers of a dropped row.");
  command.callback([options, &command] {
    settle_input(command, options->input);
    run(*options);
  });
}

}  // namespace iflow
