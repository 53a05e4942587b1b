// iflow toy: the standard two-dimensional data sets, their true densities and entropies; and a
// small set of images.
#include "data/toy.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "base/parallel.h"
#include "commands.h"
#include "data/toy_shapes.h"
#include "image_output.h"
#include "number_checks.h"
#include "options.h"
#include "report/number_format.h"
#include "result.h"
#include "row_input.h"
#include "row_output.h"
#include "row_stream.h"
#include "row_warnings.h"

namespace iflow {

namespace {

struct ToyOptions {
  std::string name;
  std::uint64_t rows = 0;
  std::uint64_t seed = 0;
  bool entropy = false;
  RowInput input;  // --logprob
  std::string output = "-";
  bool json = false;
};

const std::vector<std::string> kColumns = {"x1", "x2"};

void write_sample(const Toy& toy, const ToyOptions& options) {
  const auto out = open_row_output(options.output, options.json, options.rows);
  out->begin(kColumns, true);
  const std::size_t chunk = chunk_rows(kColumns.size());
  for (std::uint64_t first = 0; first < options.rows; first += chunk) {
    const std::size_t n = std::min<std::uint64_t>(chunk, options.rows - first);
    const std::vector<double> rows = toy.sample(options.seed, first, n);
    for (std::size_t i = 0; i < n; ++i) {
      out->number(rows[2 * i]);
      out->number(rows[2 * i + 1]);
      out->end_row();
    }
  }
  out->finish();
}

std::vector<double> log_density(const Toy& toy, std::span<const double> rows) {
  constexpr std::size_t kPiece = 64;
  std::vector<double> result(rows.size() / 2);
  parallel_for((result.size() + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t end = std::min(result.size(), (piece + 1) * kPiece);
    for (std::size_t i = piece * kPiece; i < end; ++i) {
      result[i] = toy.log_density(rows[2 * i], rows[2 * i + 1]);
    }
  });
  return result;
}

void write_log_density(const Toy& toy, const ToyOptions& options) {
  const auto out = open_row_output(options.output, options.json);
  TableReader reader = open_rows(options.input, kColumns, true);
  std::size_t infinite = 0;
  const auto f = [&](const Rows& rows) {
    std::vector<double> log_p = log_density(toy, rows.values);
    infinite += count_infinite(log_p);
    return log_p;
  };
  const RowCounts counts = stream_rows(reader, options.input.path, f, {"logprob"}, *out);
  warn_of_dropped(counts);
  warn_of_infinite(infinite);
}

void write_entropy(const Toy& toy, const ToyOptions& options) {
  if (options.json) {
    print_result(nlohmann::json{{"name", toy.name()}, {"entropy", toy.entropy()}});
  } else {
    print_result(significant(toy.entropy(), 9) + "\n");
  }
}

void write_shapes(const ToyOptions& options) {
  if (options.rows == 0) throw UsageError("toy shapes: give -n N; its density is not known");
  if (options.json) throw UsageError("--json: images are written, not rows");
  const auto out = open_image_output(options.output);
  constexpr std::size_t kChunk = 4096;
  for (std::uint64_t first = 0; first < options.rows; first += kChunk) {
    const std::size_t n = std::min<std::uint64_t>(kChunk, options.rows - first);
    out->add(sample_shapes(options.seed, first, n));
  }
  out->finish();
}

void run(const ToyOptions& options) {
  if (options.name == kShapesName) return write_shapes(options);
  const Toy& toy = find_toy(options.name);
  if (options.entropy) return write_entropy(toy, options);
  if (!options.input.path.empty()) return write_log_density(toy, options);
  if (options.rows == 0) throw UsageError("toy: give -n N, --logprob FILE or --entropy");
  write_sample(toy, options);
}

std::string known_names() {
  std::string text;
  for (const std::string& name : toy_names()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void add_toy(CLI::App& program) {
  CLI::App& command =
      add_command(program, "toy", "Points of a standard 2-D data set, or small images",
                  "iflow toy moons -n 10000 > moons.csv");
  const auto options = std::make_shared<ToyOptions>();
  command
      .add_option("NAME", options->name,
                  "One of " + known_names() + "; or shapes: images, 8x8 grey, discs and bars")
      ->required();
  CLI::Option* rows = command.add_option("-n,--rows", options->rows, "Draw N points")
                          ->check(count_up_to(kMaxRows))
                          ->type_name("N");
  CLI::Option* entropy = command.add_flag("--entropy", options->entropy,
                                          "Print the entropy of the density, in nats: the floor of "
                                          "any honest test loss");
  CLI::Option* log_density =
      command
          .add_option("--logprob", options->input.path,
                      "Print the true log-density of every row of a table, in nats; -: standard "
                      "input")
          ->type_name("FILE");
  rows->excludes(entropy)->excludes(log_density);
  entropy->excludes(log_density);
  add_table_options(command, options->input.table);
  add_keep_option(command, options->input);
  for (const char* name : {"--header", "--columns", "--na", "--keep"}) {
    command.get_option(name)->needs(log_density);
  }
  add_output_option(command, options->output, kImageOutputHelp);
  add_seed_option(command, options->seed);
  command.get_option("--seed")->needs(rows);
  add_threads_option(command);
  add_documented_json_option(command, options->json,
                             "an object a row, {\"x1\": 0.5, \"x2\": 0.1}; with --logprob, "
                             "{\"logprob\": -1.7}, null for a dropped row; with --entropy, "
                             "{\"name\": \"moons\", \"entropy\": 2.4}. Not for shapes.");
  command.callback([options] { run(*options); });
}

}  // namespace iflow
