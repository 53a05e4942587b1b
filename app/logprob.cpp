// iflow logprob: the log-density of every row of a table.
#include <CLI/CLI.hpp>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "objective/summary.h"
#include "options.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

struct LogprobOptions {
  std::string checkpoint;
  RowInput input;
  std::string output = "-";
  bool mean = false;
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

RowCounts write_mean(TableReader& reader, const std::string& path, const RowFunction& log_density,
                     RowOutput& out) {
  RunningMean mean;
  const RowCounts counts = for_each_chunk(reader, path, log_density,
                                          [&](const TableChunk&, std::span<const double> log_p) {
                                            for (const double value : log_p) mean.add(value);
                                          });
  if (mean.count() == 0) throw DataError(display_name(path) + ": every row has a missing value");
  out.begin({"mean", "se"}, reader.has_header());
  out.number(mean.mean());
  if (mean.has_standard_error()) {
    out.number(mean.standard_error());
  } else {
    out.missing();
  }
  out.end_row();
  out.finish();
  return counts;
}

void run(const LogprobOptions& options) {
  const Fit fit = load_fit_without_training(options.checkpoint);
  const Model model = model_of(fit, options.checkpoint);
  const auto out = open_row_output(options.output, options.json);
  const std::string& path = options.input.path;
  TableReader reader = open_rows(options.input, fit.data.columns, fit.data.has_header);
  std::size_t infinite = 0;
  const auto log_density = [&](std::span<const double> rows) {
    std::vector<double> log_p = model.log_density(rows);
    infinite += count_infinite(log_p);
    return log_p;
  };
  const RowCounts counts = options.mean ? write_mean(reader, path, log_density, *out)
                                        : stream_rows(reader, path, log_density, {"logprob"}, *out);
  warn_of_dropped(counts);
  warn_of_infinite(infinite);
}

}  // namespace

void add_logprob(CLI::App& program) {
  CLI::App& command =
      add_command(program, "logprob", "Log-density of every row of a table, in nats",
                  "iflow logprob moons.iflow moons.csv | paste -d, moons.csv -");
  const auto options = std::make_shared<LogprobOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_row_input(command, options->input);
  add_keep_option(command, options->input);
  command
      .add_flag("--mean", options->mean,
                "Print one line: the mean over the rows and its standard error")
      ->excludes("--keep");
  add_output_option(command, options->output);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             "an object a row, {\"logprob\": -2.4} and the kept columns as text, "
                             "null for a dropped row; with --mean, {\"mean\": -2.4, \"se\": 0.01}, "
                             "se null where it is undefined. Infinities are text, \"-inf\".");
  command.callback([options, &command] {
    settle_input(command, options->input);
    run(*options);
  });
}

}  // namespace iflow
