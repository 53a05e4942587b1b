// iflow sample: new rows or images, drawn from the model.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "image_output.h"
#include "inversion.h"
#include "model/given_columns.h"
#include "model/image_rows.h"
#include "model/integer_columns.h"
#include "model_summary.h"
#include "number_checks.h"
#include "options.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

struct SampleArguments {
  std::string checkpoint;
  std::uint64_t rows = 0;
  RowInput given;  // the conditions of a conditional model
  std::uint64_t first_row = 0;
  std::uint64_t seed = 0;
  double temperature = 1;
  InverseOptions inverse;
  std::string output = "-";
  bool json = false;
};

// Latent rows on their way to the output.
class Sampler {
 public:
  Sampler(const SampleArguments& options, const FittedModel& model, RowOutput& out)
      : options_(options), model_(model), out_(out) {}

  // Draws from latent rows (n, width). `kept`: columns to pass through, of each row.
  void draw(std::span<const double> latent, const std::vector<std::string>& kept) {
    const std::size_t width = model_.row_width();
    InversionReport report;
    const std::vector<double> x = model_.decode(latent, options_.inverse, report);
    const std::size_t n = x.size() / width;
    for (std::size_t i = 0; i < n; ++i) {
      write_row({x.data() + i * width, width});
      for (std::size_t k = 0; k < kept.size() / n; ++k) out_.text(kept[i * (kept.size() / n) + k]);
      out_.end_row();
    }
    written_ += n;
    unconverged_ += report.unconverged;
  }

  std::uint64_t written() const { return written_; }
  std::size_t unconverged() const { return unconverged_; }

 private:
  void write_row(std::span<const double> row) {
    for (const double x : row) {
      if (!std::isfinite(x)) {
        throw NumericError("sample: row " + std::to_string(written_ + 1) +
                           " is not finite; is --temperature too high?");
      }
      out_.number(x);
    }
  }

  const SampleArguments& options_;
  const FittedModel& model_;
  RowOutput& out_;
  std::uint64_t written_ = 0;  // rows
  std::size_t unconverged_ = 0;
};

void sample_rows(const SampleArguments& options, const FittedModel& model, Sampler& sampler,
                 RowOutput& out) {
  out.begin(model.record().data.columns, model.record().data.has_header);
  const std::size_t chunk = chunk_rows(model.dimension());
  for (std::uint64_t first = 0; first < options.rows; first += chunk) {
    const std::size_t n = std::min<std::uint64_t>(chunk, options.rows - first);
    sampler.draw(model.flow().sample_latent(options.seed, first, n, options.temperature), {});
  }
}

// The table of conditions: its columns by name, among which those modelled may be.
TableReader open_conditions(const SampleArguments& options, const Fit& fit) {
  TableOptions table = options.given.table;
  table.expected = fit.data.given;
  table.expected_has_header = fit.data.has_header;
  table.unused = modelled_columns(fit.data);
  return TableReader(options.given.path, table);
}

// As many draws for every row of the conditions as options.rows says, draw j of row i keyed by
// (seed, i, j).
void sample_given(const SampleArguments& options, const FittedModel& model, Sampler& sampler,
                  RowOutput& out) {
  const Fit& fit = model.record();
  TableReader reader = open_conditions(options, fit);
  const std::size_t kept = reader.kept_columns().size(), c = fit.data.given.size();
  std::vector<std::string> columns = fit.data.columns;
  columns.insert(columns.end(), reader.kept_columns().begin(), reader.kept_columns().end());
  out.begin(columns, fit.data.has_header);
  std::vector<double> latent;
  std::vector<std::string> texts;
  const auto flush = [&] {
    if (!latent.empty()) sampler.draw(latent, texts);
    latent.clear(), texts.clear();
  };
  const std::size_t chunk = chunk_rows(model.row_width());
  const auto draw_rows = [&](const TableChunk& rows, std::span<const double>) {
    const double* condition = rows.values.data();
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      if (rows.usable[i] == 0) continue;
      const std::uint64_t row = options.first_row + rows.first_row + i;
      for (std::uint64_t draw = 0; draw < options.rows; ++draw) {
        const std::vector<double> z = model.flow().sample_latent(
            options.seed, row, 1, options.temperature, static_cast<std::uint32_t>(draw));
        latent.insert(latent.end(), z.begin(), z.end());
        latent.insert(latent.end(), condition, condition + c);
        for (std::size_t k = 0; k < kept; ++k) texts.push_back(rows.kept[i * kept + k]);
        if (latent.size() == chunk * model.row_width()) flush();
      }
      condition += c;
    }
  };
  const auto nothing = [](const Rows&) { return std::vector<double>(); };
  const RowCounts counts = for_each_chunk(reader, options.given.path, nothing, draw_rows);
  flush();
  warn_of_dropped(counts);
}

void check(const SampleArguments& options, const Fit& fit) {
  const bool conditional = !fit.data.given.empty();
  if (conditional && options.given.path.empty()) {
    throw UsageError("--given: " + options.checkpoint + " is conditional on " +
                     joined(fit.data.given, ", ") + ": give a table of them");
  }
  if (!conditional && !options.given.path.empty()) {
    throw UsageError("--given: " + options.checkpoint + " is not conditional on any column");
  }
  if (options.rows == 0) throw UsageError("-n is required");
  if (conditional && options.rows > std::numeric_limits<std::uint32_t>::max()) {
    throw UsageError("-n: at most 4294967295 draws for a row");
  }
}

void run_to_images(const SampleArguments& options, const FittedModel& model) {
  if (options.json) throw UsageError("--json: images are written, not rows");
  const auto out = open_image_output(options.output);
  const std::size_t chunk = chunk_rows(model.dimension());
  std::size_t unconverged = 0;
  for (std::uint64_t first = 0; first < options.rows; first += chunk) {
    const std::size_t n = std::min<std::uint64_t>(chunk, options.rows - first);
    const std::vector<double> z =
        model.flow().sample_latent(options.seed, first, n, options.temperature);
    InversionReport report;
    out->add(images_of(*model.columns().image(), model.decode(z, options.inverse, report)));
    unconverged += report.unconverged;
  }
  out->finish();
  finish_inversion(unconverged, options.rows, options.inverse);
}

void run(SampleArguments options) {
  const FittedModel model = load_model(options.checkpoint);
  const Fit& fit = model.record();
  const bool conditional = !options.given.path.empty();
  if (conditional && options.rows == 0) options.rows = 1;
  check(options, fit);
  if (fit.data.image) return run_to_images(options, model);
  const auto out =
      open_row_output(options.output, options.json,
                      conditional ? std::nullopt : std::optional<std::uint64_t>(options.rows));
  Sampler sampler(options, model, *out);
  if (conditional) {
    sample_given(options, model, sampler, *out);
  } else {
    sample_rows(options, model, sampler, *out);
  }
  out->finish();
  finish_inversion(sampler.unconverged(), sampler.written(), options.inverse);
}

}  // namespace

void add_sample(CLI::App& program) {
  CLI::App& command = add_command(program, "sample", "New rows or images drawn from the model",
                                  "iflow sample moons.iflow -n 1000 > new.csv");
  const auto options = std::make_shared<SampleArguments>();
  add_checkpoint_argument(command, options->checkpoint);
  command
      .add_option("-n,--rows", options->rows,
                  "Draw N rows, or with --given N for every row of FILE (default 1); the first "
                  "ones are the same for every N")
      ->check(count_up_to(kMaxRows))
      ->type_name("N");
  command
      .add_option("--temperature", options->temperature,
                  "Draw z ~ N(0, T^2 I): below 1, rows of high density")
      ->check(number_where("a number from 0 to 1000", [](double t) { return t >= 0 && t <= 1000; }))
      ->type_name("T")
      ->capture_default_str();
  CLI::Option* given =
      command
          .add_option("--given", options->given.path,
                      "Conditions of a conditional model: a table with the columns of fit --given, "
                      "in which those modelled may be, too; -: standard input. The rows written "
                      "have both")
          ->type_name("FILE");
  add_table_options(command, options->given.table);
  add_keep_option(command, options->given);
  command
      .add_option("--first-row", options->first_row,
                  "Number of the first row of FILE, from 0, for one that was split")
      ->check(whole_number())
      ->type_name("K");
  for (const char* name : {"--header", "--columns", "--na", "--keep", "--first-row"}) {
    command.get_option(name)->needs(given);
  }
  add_tolerance_option(command, options->inverse);
  add_output_option(command, options->output, kImageOutputHelp);
  add_seed_option(command, options->seed);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             "an object a row, {\"x1\": 0.5, \"x2\": 0.1}, and the kept columns "
                             "as text.");
  command.callback([options] { run(*options); });
}

}  // namespace iflow
