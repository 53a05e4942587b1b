// iflow logprob: the log-density of every row of a table, or of every image.
#include <CLI/CLI.hpp>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/mean_and_error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "density_options.h"
#include "image_input.h"
#include "image_options.h"
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

struct LogprobOptions {
  std::string checkpoint;
  RowInput input;
  DensityOptions density;
  std::string output = "-";
  bool mean = false;
  bool bits_per_dim = false;
  bool json = false;
};

// The mean of numbers that come one by one, and its standard error. (Welford, "Note on a method for
// calculating corrected sums of squares and products", Technometrics 4, 1962)
class RunningMean {
 public:
  void add(double x) {
    ++n_;
    if (std::isinf(x)) {
      infinite_ = true;
      return;
    }
    const double delta = x - mean_;
    mean_ += delta / static_cast<double>(n_);
    squares_ += delta * (x - mean_);
  }
  std::size_t count() const { return n_; }
  double mean() const { return infinite_ ? -std::numeric_limits<double>::infinity() : mean_; }
  bool has_standard_error() const { return n_ > 1 && !infinite_; }
  double standard_error() const {
    const auto n = static_cast<double>(n_);
    return std::sqrt(squares_ / (n - 1) / n);
  }

 private:
  std::size_t n_ = 0;
  bool infinite_ = false;  // some x was -inf
  double mean_ = 0;
  double squares_ = 0;  // sum of (x - mean)^2
};

void write_mean(const RunningMean& mean, bool has_header, RowOutput& out) {
  out.begin({"mean", "se"}, has_header);
  out.number(mean.mean());
  if (mean.has_standard_error()) {
    out.number(mean.standard_error());
  } else {
    out.missing();
  }
  out.end_row();
  out.finish();
}

// width: results a row, of which the first is the log-density.
RowCounts write_mean(TableReader& reader, const std::string& path, const RowFunction& log_density,
                     std::size_t width, RowOutput& out) {
  RunningMean mean;
  const auto take = [&](const TableChunk&, std::span<const double> results) {
    for (std::size_t i = 0; i < results.size(); i += width) mean.add(results[i]);
  };
  const RowCounts counts = for_each_chunk(reader, path, log_density, take);
  if (mean.count() == 0) throw DataError(display_name(path) + ": every row has a missing value");
  write_mean(mean, reader.has_header(), out);
  return counts;
}

std::vector<std::string> density_columns(const Density& density) {
  if (density.is_exact()) return {"logprob"};
  return {"logprob", "se", "bound"};
}

// The numbers of those columns, (n, width).
std::vector<double> numbers_of(const Density& density, const Rows& rows, MissedPromises& missed) {
  const std::vector<DensityEstimate> results = density(rows);
  const MissedPromises more = density.missed(results);
  missed.standard_errors += more.standard_errors;
  missed.bounds += more.bounds;
  std::vector<double> numbers;
  for (const DensityEstimate& row : results) {
    numbers.push_back(row.value);
    if (!density.is_exact()) {
      numbers.insert(numbers.end(), {row.standard_error, row.truncation_bound});
    }
  }
  return numbers;
}

// Results (n, width) of a density, all of them in bits per dimension.
void to_bits_per_dim(std::vector<double>& results, std::size_t width, std::size_t dimension) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double sign = i % width == 0 ? 1 : -1;
    results[i] = sign * bits_per_dimension(results[i], dimension);
  }
}

void run_on_images(const LogprobOptions& options, const FittedModel& model) {
  const auto out = open_row_output(options.output, options.json);
  ImageReader reader = open_images(options.input, model.record(), options.checkpoint);
  const Density density = model.density(options.density);
  MissedPromises missed;
  std::vector<std::string> columns = density_columns(density);
  if (options.bits_per_dim) columns.front() = "bits_per_dim";
  RunningMean mean;
  if (!options.mean) out->begin(columns, false);
  const auto take = [&](const Images&, const Rows& rows) {
    std::vector<double> results = numbers_of(density, rows, missed);
    if (options.bits_per_dim) to_bits_per_dim(results, columns.size(), model.dimension());
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (options.mean && i % columns.size() == 0) mean.add(results[i]);
      if (options.mean) continue;
      out->number(results[i]);
      if ((i + 1) % columns.size() == 0) out->end_row();
    }
  };
  for_each_images(reader, take);
  if (options.mean) {
    write_mean(mean, false, *out);
  } else {
    out->finish();
  }
  Screen(false).note(measure_of_images(density.draws()));
  warn_of_missed(missed);
}

void run(const LogprobOptions& options) {
  const FittedModel model = load_model(options.checkpoint);
  const Fit& fit = model.record();
  if (fit.data.image) return run_on_images(options, model);
  if (options.bits_per_dim) {
    throw UsageError("--bits-per-dim: " + options.checkpoint + " is not a model of images");
  }
  const auto out = open_row_output(options.output, options.json);
  const std::string& path = options.input.path;
  TableReader reader = open_rows(options.input, fit.data);
  const Density density = model.density(options.density);
  MissedPromises missed;
  const std::vector<std::string> columns = density_columns(density);
  std::size_t infinite = 0;
  const auto log_density = [&](const Rows& rows) {
    std::vector<double> results = numbers_of(density, rows, missed);
    for (std::size_t i = 0; i < results.size(); i += columns.size()) {
      if (std::isinf(results[i])) ++infinite;
    }
    return results;
  };
  const RowCounts counts = options.mean
                               ? write_mean(reader, path, log_density, columns.size(), *out)
                               : stream_rows(reader, path, log_density, columns, *out);
  if (density.draws() > 0) {
    Screen(false).note(measure_of(fit.lattices, row_columns(fit.data)) + "; " +
                       std::to_string(density.draws()) + " draws a row");
  }
  warn_of_dropped(counts);
  warn_of_infinite(infinite);
  warn_of_missed(missed);
}

}  // namespace

void add_logprob(CLI::App& program) {
  CLI::App& command =
      add_command(program, "logprob", "Log-density of every row of a table, or image, in nats",
                  "iflow logprob moons.iflow moons.csv | paste -d, moons.csv -");
  const auto options = std::make_shared<LogprobOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_image_options(command, options->input.image);
  add_keep_option(command, options->input);
  command.add_flag("--bits-per-dim", options->bits_per_dim,
                   "For a model of images: bits per dimension, -log2 p / D");
  command
      .add_flag("--mean", options->mean,
                "Print one line: the mean over the rows and its standard error")
      ->excludes("--keep");
  add_output_option(command, options->output);
  add_density_options(command, options->density);
  add_threads_option(command);
  add_documented_json_option(
      command, options->json,
      "an object a row, {\"logprob\": -2.4}, with an estimator or integer columns also \"se\" "
      "and \"bound\", and the kept columns as text, with --bits-per-dim \"bits_per_dim\" "
      "in place of \"logprob\"; "
      "null for a dropped row; with --mean, {\"mean\": -2.4, \"se\": 0.01}, "
      "se null where it is undefined. Infinities are text, \"-inf\".");
  command.callback([options, &command] {
    settle_input(command, options->input);
    settle_density(command, options->density);
    run(*options);
  });
}

}  // namespace iflow
