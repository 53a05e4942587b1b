// iflow info: what a checkpoint holds.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "baselines/conditional.h"
#include "block_report.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "model/column_bounds.h"
#include "model/given_columns.h"
#include "model/integer_columns.h"
#include "model_summary.h"
#include "options.h"
#include "recipes/settings_json.h"
#include "report/number_format.h"
#include "report/text_table.h"
#include "result.h"
#include "row_input.h"

namespace iflow {

namespace {

using nlohmann::json;

struct InfoOptions {
  std::string checkpoint;
  bool json = false;
};

// Proved Lipschitz bounds L of the blocks' residual branches.
struct LipschitzSummary {
  std::vector<std::string> blocks;  // names
  std::vector<double> bounds;       // L of each
  double forward = 1;               // product of 1 + L: how far the blocks stretch at most
  double inverse = 1;               // product of 1 / (1 - L): how far their inverses do
};

LipschitzSummary lipschitz_of(const Model& model) {
  LipschitzSummary summary;
  for (std::size_t i = 0; i < model.lipschitz_bounds().size(); ++i) {
    const double bound = model.lipschitz_bounds()[i];
    if (!is_block(model, i)) continue;
    summary.blocks.push_back("flow." + std::to_string(i));
    summary.bounds.push_back(bound);
    summary.forward *= 1 + bound;
    summary.inverse /= 1 - bound;
  }
  return summary;
}

// Mean negative log-likelihood of the rows that the Gaussian was fitted on, in nats: its entropy,
// -ln p at its mean plus d / 2, and as much less as that of the given columns.
double training_loss(const Fit& fit) {
  const std::size_t d = fit.flow.dimension;
  const std::vector<double>& mean = fit.gaussian.mean;
  return -conditional_log_density(fit.gaussian, mean, d, mean.size()).front() +
         static_cast<double>(d) / 2;
}

// At most `count` points of the history, evenly spread, with the first and the last.
std::vector<HistoryPoint> excerpt(const std::vector<HistoryPoint>& history, std::size_t count) {
  if (history.size() <= count) return history;
  std::vector<HistoryPoint> points;
  for (std::size_t i = 0; i < count; ++i) {
    points.push_back(history[i * (history.size() - 1) / (count - 1)]);
  }
  return points;
}

// The columns, or what an image is.
std::vector<std::string> what_rows_are(const DataRecord& data) {
  if (data.image) {
    return {"images", describe(data.image->shape) + ", " + std::to_string(data.image->bits) +
                          (data.image->bits == 1 ? " bit" : " bits") + " a pixel"};
  }
  return {"columns", describe_columns(data) + (data.has_header ? "" : " (no header)")};
}

std::string best_of(const Fit& fit) {
  const double loss = fit.state.best_loss;
  if (!fit.data.image) return "a loss of " + fixed_point(loss) + " nats per held-out row";
  return fixed_point(bits_per_dimension(-loss, fit.flow.dimension)) + " bits/dim (" +
         fixed_point(loss) + " nats) of the images to validate";
}

void add_column_facts(const Fit& fit, std::vector<std::vector<std::string>>& facts) {
  const std::vector<std::string> columns = row_columns(fit.data);
  if (const auto bounds = find_bounds(fit)) {
    facts.push_back({"bounds", describe_bounds(*bounds, columns)});
  }
  if (!fit.lattices.empty()) {
    facts.push_back({"integers", describe_lattices(fit.lattices, columns)});
    facts.push_back({"measure", measure_of(fit.lattices, columns)});
  }
}

// The members of a stacked mixture by their weights, and what the columns' maps are worth.
void add_stack_facts(const Fit& fit, std::vector<std::vector<std::string>>& facts) {
  if (!fit.stack) return;
  std::vector<std::string> members, gains;
  for (const StackMember& m : fit.stack->members) {
    members.push_back(fixed_point(m.weight, 3) + " " + m.name);
  }
  facts.push_back({"stack", joined(members, ", ")});
  const std::vector<std::string> columns = row_columns(fit.data);
  for (std::size_t j = 0; j < fit.stack->map_gains.size(); ++j) {
    gains.push_back(columns[j] + " " + fixed_point(fit.stack->map_gains[j], 3));
  }
  if (!gains.empty()) {
    facts.push_back({"maps", "gain of each column's map by itself, held-out nats per row: " +
                                 joined(gains, ", ")});
  }
}

std::string text_of(const std::string& path, const Fit& fit, const Model& model) {
  const DataRecord& data = fit.data;
  const TrainState& state = fit.state;
  const LipschitzSummary lipschitz = lipschitz_of(model);
  std::vector<std::vector<std::string>> facts = {
      {"checkpoint", path},
      {"layers", joined(describe_layers(fit.flow), "; ")},
      {"parameters", with_commas(model.flow().layout().count())},
      what_rows_are(data),
      {"data", with_commas(data.rows) + (data.image ? " images: " : " rows: ") +
                   with_commas(data.training_rows) + " to train on, " +
                   with_commas(data.validation_rows) + " to validate"},
      {"data hash", data.hash},
      {"training", "step " + with_commas(state.step) + " of " +
                       with_commas(fit.settings.train.steps) + ", " +
                       std::to_string(fit.settings.train.batch) + " rows a step, seed " +
                       std::to_string(fit.settings.train.seed)},
      {"best", best_of(fit) + " at step " + with_commas(state.best_step)}};
  if (fit.undecided) {
    facts.push_back({"activation", "yet to be chosen by a trial; fit --resume does it"});
  }
  if (fit.refit) {
    facts.push_back({"refit", "step " + with_commas(fit.refit->step) + " of " +
                                  with_commas(refit_steps(fit)) + ", to all rows" +
                                  (is_refitted(fit) ? "" : "; the model is that of before")});
  }
  if (!data.image) {
    facts.push_back({"Gaussian", "a loss of " + fixed_point(training_loss(fit)) +
                                     " nats per row that it was fitted to"});
    add_column_facts(fit, facts);
    add_stack_facts(fit, facts);
  }
  if (!state.divergences.empty()) {
    facts.push_back({"divergences", std::to_string(state.divergences.size())});
  }
  if (!lipschitz.bounds.empty()) {
    const auto [smallest, largest] =
        std::minmax_element(lipschitz.bounds.begin(), lipschitz.bounds.end());
    facts.push_back({"Lipschitz", "proved L of a block " + fixed_point(*smallest) + " to " +
                                      fixed_point(*largest) + "; all blocks stretch by at most " +
                                      significant(lipschitz.forward) + ", their inverses by " +
                                      significant(lipschitz.inverse)});
  }
  facts.push_back({"options", settings_to_json(fit.settings).dump()});
  constexpr std::size_t kHistoryLines = 11;
  std::vector<std::vector<std::string>> history;
  for (const HistoryPoint& point : excerpt(state.history, kHistoryLines)) {
    history.push_back({with_commas(point.step),
                       point.step == 0 ? "-" : fixed_point(point.training_loss),
                       fixed_point(point.validation_loss)});
  }
  return format_text_table({}, facts) + "\n" +
         format_text_table({"step", "training loss", "validation loss"}, history);
}

json json_of(const Fit& fit, const Model& model) {
  const LipschitzSummary lipschitz = lipschitz_of(model);
  json blocks = json::object();
  for (std::size_t i = 0; i < lipschitz.blocks.size(); ++i) {
    blocks[lipschitz.blocks[i]] = lipschitz.bounds[i];
  }
  json history = json::array();
  for (const HistoryPoint& point : fit.state.history) {
    history.push_back({{"step", point.step},
                       {"training_loss", point.training_loss},
                       {"validation_loss", point.validation_loss}});
  }
  json result = {{"layers", describe_layers(fit.flow)},
                 {"dimension", model.dimension()},
                 {"parameters", model.flow().layout().count()},
                 {"data",
                  {{"hash", fit.data.hash},
                   {"rows", fit.data.rows},
                   {"training_rows", fit.data.training_rows},
                   {"validation_rows", fit.data.validation_rows}}},
                 {"training",
                  {{"step", fit.state.step},
                   {"steps", fit.settings.train.steps},
                   {"seed", fit.settings.train.seed},
                   {"best_step", fit.state.best_step},
                   {"best_loss", fit.state.best_loss},
                   {"divergences", fit.state.divergences.size()},
                   {"undecided", fit.undecided.has_value()},
                   {"refit_steps", is_refitted(fit) ? fit.refit->step : 0},
                   {"history", std::move(history)}}},
                 {"lipschitz",
                  {{"blocks", std::move(blocks)},
                   {"forward", lipschitz.forward},
                   {"inverse", lipschitz.inverse}}},
                 {"options", settings_to_json(fit.settings)}};
  if (fit.data.image) {
    const ImageRecord& image = *fit.data.image;
    result["data"]["image"] = {{"height", image.shape.height},
                               {"width", image.shape.width},
                               {"channels", image.shape.channels},
                               {"bits", image.bits}};
    return result;
  }
  result["data"]["columns"] = fit.data.columns;
  result["data"]["given"] = fit.data.given;
  result["data"]["header"] = fit.data.has_header;
  result["dequantised"] = names_of(fit.lattices, row_columns(fit.data));
  result["gaussian"] = {{"mean", fit.gaussian.mean},
                        {"covariance", fit.gaussian.covariance},
                        {"training_loss", training_loss(fit)}};
  return result;
}

void run(const InfoOptions& options) {
  const Fit fit = load_fit_without_training(options.checkpoint);
  const Model model = model_of(fit, options.checkpoint);
  if (options.json) {
    print_result(json_of(fit, model));
  } else {
    print_result(text_of(options.checkpoint, fit, model));
  }
}

}  // namespace

void add_info(CLI::App& program) {
  CLI::App& command =
      add_command(program, "info", "What a checkpoint holds", "iflow info moons.iflow");
  const auto options = std::make_shared<InfoOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  add_documented_json_option(
      command, options->json,
      "an object\n"
      "  layers, dimension, parameters  the flow: descriptions, columns, numbers learned\n"
      "  dequantised integer columns, spread over their steps\n"
      "  data        columns, given (those the density is conditional on), header, hash, rows,\n"
      "              training_rows, validation_rows; of images, in place of columns to header,\n"
      "              image: height, width, channels, bits\n"
      "  training    step (done), steps (planned), seed, best_step, best_loss, divergences,\n"
      "              undecided (whether a trial has yet to choose the activation), refit_steps "
      "(of\n"
      "              the refit to all rows; 0: none), history (step, training_loss,\n"
      "              validation_loss); losses in nats per row\n"
      "  lipschitz   blocks (proved bound L of each), forward (product of 1 + L), inverse\n"
      "              (product of 1 / (1 - L))\n"
      "  gaussian    the baseline of a table: mean, covariance (row by row), training_loss\n"
      "  options     every option of the fit in effect");
  command.callback([options] { run(*options); });
}

}  // namespace iflow
