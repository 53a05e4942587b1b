#include "fit_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/nearest.h"
#include "column_bounds.h"
#include "data/image_reader.h"
#include "flow/spline_map.h"
#include "image_options.h"
#include "nn/activations.h"
#include "number_checks.h"
#include "options.h"
#include "row_stream.h"

namespace iflow {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxSteps = 1'000'000'000'000;

CLI::Validator positive() {
  return number_where("a number above 0", [](double x) { return x > 0 && std::isfinite(x); });
}

CLI::Validator number_from_0() {
  return number_where("a number from 0", [](double x) { return x >= 0 && std::isfinite(x); });
}

CLI::Validator inside_unit() {
  return number_where("a number between 0 and 1", [](double x) { return x > 0 && x < 1; });
}

CLI::Validator fraction_below_1() {
  return number_where("a number from 0 to below 1", [](double x) { return x >= 0 && x < 1; });
}

std::string check_activation(const std::string& name) {
  const std::vector<std::string>& names = activation_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return "unknown activation \"" + name + "\"; did you mean \"" + nearest(name, names) + "\"?";
}

// "90s", "1.5m", "1h" in seconds.
double parse_duration(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || seconds == 0 || !(number > 0) || !std::isfinite(number)) {
    throw CLI::ValidationError("--time",
                               "expected a time such as 60s, 5m or 1h, got \"" + text + "\"");
  }
  return number * seconds;
}

// As a shell reads it back.
std::string shell_word(const std::string& word) {
  const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,=+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

void add_flow_options(CLI::App& command, FlowOptions& flow) {
  constexpr const char* kGroup = "Flow";
  add_choice_option(command, "--model", flow.model, model_kinds(),
                    "iresnet (default), or a coupling flow: nice, realnvp, glow, spline")
      ->type_name("MODEL")
      ->group(kGroup);
  command.add_option("--blocks", flow.blocks, "Residual blocks, or coupling layers")
      ->check(count_up_to(10000))
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--bins", flow.bins, "Pieces of a spline")
      ->check(count_up_to(kMaxSplineBins))
      ->type_name("N")
      ->group(kGroup);
  add_list_option(command, "--hidden", flow.hidden, "Widths of a block's hidden layers: 32,32")
      ->check(count_up_to(65536))
      ->type_name("WIDTHS")
      ->group(kGroup);
  command
      .add_option("--activation", flow.activation,
                  "Activation: sine, tanh, clipswish, elu, ... (up to 20,000 rows of one or two "
                  "columns, and no budget given: the better of sine and tanh in a trial)")
      ->check(check_activation)
      ->type_name("NAME")
      ->group(kGroup);
  command
      .add_option("--activation-start", flow.activation_start,
                  "First value of the activation's learned parameter")
      ->check(positive())
      ->type_name("A")
      ->group(kGroup);
  command
      .add_flag("--activation-first", flow.activation_first,
                "Blocks begin with an activation, not with a linear layer")
      ->group(kGroup);
  command
      .add_option("--coefficient", flow.coefficient,
                  "Bound on the spectral norm of every linear layer")
      ->check(inside_unit())
      ->type_name("C")
      ->group(kGroup);
  add_choice_option(command, "--marginal", flow.marginal, pixel_marginals(),
                    "Images: what is done to every pixel first, gaussian (default) or logit")
      ->type_name("MAP")
      ->group(kGroup);
  command.add_option("--alpha", flow.alpha, "Of --marginal logit (default 1e-6)")
      ->check(number_where("a number between 0 and 0.5", [](double x) { return x > 0 && x < 0.5; }))
      ->type_name("ALPHA")
      ->group(kGroup);
  command
      .add_option("--start-gain", flow.start_gain,
                  "Initial norm of every block's last layer; 0 begins with a Gaussian")
      ->check(number_where("a number from 0 to 1", [](double x) { return x >= 0 && x <= 1; }))
      ->type_name("GAIN")
      ->group(kGroup);
}

// Options that are left to the fit by the word auto are as if they were not given.
void add_log_det_options(CLI::App& command, FitArguments& arguments) {
  constexpr const char* kGroup = "Log-determinant while training";
  LogDetOptions& log_det = arguments.settings.train.log_det;
  command
      .add_option_function<std::string>(
          "--logdet",
          [&](const std::string& name) {
            arguments.automatic_log_det = name == "auto";
            if (name != "auto") log_det.method = log_det_methods().at(name);
          },
          "auto (exact up to 16 columns, with many rows up to 8, else roulette), exact, series or "
          "roulette")
      ->check(auto_or_name(log_det_methods()))
      ->type_name("METHOD")
      ->group(kGroup);
  command
      .add_option_function<std::string>(
          "--terms",
          [&](const std::string& text) {
            arguments.automatic_terms = text == "auto";
            if (text != "auto") log_det.terms = std::stoull(text);
          },
          "Terms of the series, or in front of roulette's random ones; auto: 2 for roulette, for "
          "the series by its proved truncation bound")
      ->check(auto_or_count_up_to(10000))
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--probes", log_det.probes, "Random probes per row and block (default 1)")
      ->check(count_up_to(1024))
      ->type_name("N")
      ->group(kGroup);
  add_choice_option(command, "--probe", log_det.probe, probe_kinds(),
                    "rademacher (default), gaussian, or unit vectors")
      ->type_name("KIND")
      ->group(kGroup);
  command
      .add_option_function<double>(
          "--continuation", [&log_det](double number) { set_tail(log_det, number); },
          "Roulette: the chance of each further term (default 0.5); 0: of term k or more,\n"
          "(terms / k)^2, for Jacobians that come close to 1 (default of images)")
      ->check(fraction_below_1())
      ->type_name("Q")
      ->group(kGroup);
  add_choice_option(command, "--gradient", log_det.gradient, log_det_gradients(),
                    "neumann (default), or basic: backpropagation through every term")
      ->type_name("KIND")
      ->group(kGroup);
}

// Throws UsageError for an option among `unused` that was given; `by`: the choice that has no use
// for it.
void refuse_unused(const json& given, const std::vector<std::string>& unused,
                   const std::string& by) {
  for (const std::string& name : unused) {
    if (given.contains(name)) throw UsageError("--" + name + ": " + by + " has no use for it");
  }
}

constexpr const char* kTrainingGroup = "Training";

void add_training_options(CLI::App& command, FitArguments& arguments) {
  constexpr const char* kGroup = kTrainingGroup;
  TrainConfig& train = arguments.settings.train;
  command.add_option("--batch", train.batch, "Rows per step")
      ->check(count_up_to(std::uint64_t{1} << 20U))
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--lr", train.learning_rate, "Learning rate at the top of its schedule")
      ->check(positive())
      ->type_name("RATE")
      ->group(kGroup);
  command.add_option("--warmup", train.warmup, "Part of the steps over which the rate rises")
      ->check(fraction_below_1())
      ->type_name("PART")
      ->group(kGroup);
  command.add_option("--ema", train.ema, "Decay of the averaged parameters, per step")
      ->check(fraction_below_1())
      ->type_name("DECAY")
      ->group(kGroup);
  command
      .add_option("--l1", train.l1,
                  "Shrink the weights of residual blocks towards 0, each step by the learning rate "
                  "times this")
      ->check(number_from_0())
      ->type_name("STRENGTH")
      ->group(kGroup);
  command
      .add_option("--jacobian-penalty", train.jacobian_penalty,
                  "What ||J||_F^2 / 2 costs in nats per row and block, J a block's Jacobian; with "
                  "--logdet exact")
      ->check(number_from_0())
      ->type_name("STRENGTH")
      ->group(kGroup);
  command
      .add_option("--clip", train.clip,
                  "A parameter's gradient counts at most so many times its usual norm; 0: whatever "
                  "it is")
      ->check(number_from_0())
      ->type_name("TIMES")
      ->group(kGroup);
  command
      .add_option("--power-iterations", train.power_iterations,
                  "Power iterations of every matrix, each time")
      ->check(count_up_to(1000))
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--norm-every", train.norm_every, "Steps between power iterations")
      ->check(count_up_to(1000))
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--validate-every", train.validate_every, "Steps between validations")
      ->check(count_up_to(kMaxSteps))
      ->type_name("N")
      ->group(kGroup);
  command
      .add_option("--patience", train.patience,
                  "Stop after so many steps without a better validation; 0: never")
      ->check(whole_number())
      ->type_name("N")
      ->group(kGroup);
}

}  // namespace

void add_fit_data_options(CLI::App& command, FitArguments& arguments) {
  add_bits_option(command, arguments.settings.image);
  add_image_options(command, arguments.settings.image);
  add_table_options(command, arguments.settings.table);
  add_list_option(command, "--bounds", arguments.settings.bounds,
                  "Bounds of columns, which no sample crosses: a=0:1,b=0:,c=:100")
      ->check(bounds_problem)
      ->type_name("BOUNDS");
  add_list_option(command, "--continuous", arguments.settings.continuous,
                  "Integer columns to take as they are, not spread over their steps: a,b or all")
      ->type_name("NAMES");
  command
      .add_option("--weights", arguments.settings.weights,
                  "Column of the rows' weights, which is not modelled")
      ->type_name("NAME");
  CLI::Option* val =
      command.add_option("--val", arguments.val, "Validate on the rows of this file");
  val->type_name("FILE");
  command
      .add_option(
          "--val-fraction", arguments.settings.val_fraction,
          "Part of the rows held out for validation, 10,000 of them at most (default 0.1, from "
          "5,000 rows on 500 of them, from 10,000 on 0.05; where fit refits to all rows 0.2)")
      ->check(inside_unit())
      ->excludes(val)
      ->type_name("PART");
}

void add_budget_options(CLI::App& command, FitArguments& arguments) {
  CLI::Option* steps =
      command.add_option("--steps", arguments.settings.train.steps, "Training steps");
  steps->check(count_up_to(kMaxSteps))->type_name("N")->group(kTrainingGroup);
  command
      .add_option_function<std::string>(
          "--time",
          [&arguments](const std::string& text) { arguments.seconds = parse_duration(text); },
          "As many steps as this time allows: 60s, 5m, 1h")
      ->excludes(steps)
      ->type_name("TIME")
      ->group(kTrainingGroup);
}

void add_log_every_option(CLI::App& command, FitArguments& arguments) {
  command
      .add_option("--log-every", arguments.log_every,
                  "Steps between lines of progress (default: every 10 seconds)")
      ->check(count_up_to(kMaxSteps))
      ->type_name("N");
}

void add_fit_options(CLI::App& command, FitArguments& arguments) {
  command
      .add_option("DATA", arguments.data,
                  "CSV, TSV or .npy, also gzipped; - is stdin. Images: IDX, .npy of shape N,H,W,C, "
                  "one PNG or JPEG, or a folder of them")
      ->required()
      ->type_name("");
  command
      .add_option("-o,--output", arguments.checkpoint,
                  "Checkpoint directory (default: DATA's name with .iflow)")
      ->type_name("CKPT");
  CLI::Option* resume =
      command.add_flag("--resume", arguments.resume, "Go on with an unfinished fit, or extend one");
  command.add_flag("--force", arguments.force, "Replace an existing checkpoint")->excludes(resume);
  add_log_every_option(command, arguments);
  command.add_flag("--memory", arguments.memory,
                   "Say how much memory the training takes, before it starts");
  add_fit_data_options(command, arguments);
  add_list_option(command, "--given", arguments.settings.given,
                  "Columns to take as given: the density is that of the others conditional on "
                  "these: x1,x2")
      ->type_name("NAMES");
  add_choice_option(command, "--refit", arguments.settings.refit, yes_or_no(),
                    "Fit once more to all rows, those held out as well, over as many passes as "
                    "were best: yes or no (default: yes, up to 20,000 rows)")
      ->excludes(command.get_option("--val"))
      ->type_name("ANSWER");
  add_flow_options(command, arguments.settings.flow);
  add_budget_options(command, arguments);
  add_training_options(command, arguments);
  add_log_det_options(command, arguments);
  add_seed_option(command, arguments.settings.train.seed);
  add_threads_option(command);
  add_quiet_option(command, arguments.quiet);
}

void note_given(const CLI::App& command, FitArguments& arguments) {
  if (!arguments.val.empty()) arguments.settings.val_fraction = 0;
  arguments.given = json::object();
  const json all = every_setting(arguments.settings);
  for (const auto& [name, value] : all.items()) {
    const CLI::Option* option = command.get_option_no_throw("--" + name);
    if (option != nullptr && option->count() > 0) arguments.given[name] = value;
  }
  if (!arguments.val.empty()) arguments.given["val-fraction"] = 0.0;
  if (arguments.automatic_log_det) arguments.given.erase("logdet");
  if (arguments.automatic_terms) arguments.given.erase("terms");
}

void settle_kind_of_data(FitArguments& arguments) {
  arguments.settings.is_image = holds_images(arguments.data);
  refuse_unused(arguments.given, unused_data_options(arguments.settings.is_image),
                arguments.settings.is_image ? "a model of images" : "a model of a table");
}

void complete_arguments(const CLI::App& command, FitArguments& arguments) {
  if (arguments.checkpoint == "-") {
    throw UsageError("-o: a checkpoint is a directory and can't go to stdout");
  }
  if (arguments.checkpoint.empty()) arguments.checkpoint = default_checkpoint(arguments.data);
  note_given(command, arguments);
  settle_kind_of_data(arguments);
  const std::vector<std::string>& given = arguments.settings.given;
  const std::string& weights = arguments.settings.weights;
  if (std::find(given.begin(), given.end(), weights) != given.end()) {
    throw UsageError("--given: \"" + weights + "\" is the column of --weights");
  }
}

namespace {

// The plan that was asked for.
std::optional<std::uint64_t> given_steps(const FitArguments& arguments) {
  if (!arguments.given.contains("steps")) return std::nullopt;
  return arguments.settings.train.steps;
}

// `defaults`, for rows of `modelled` numbers, changed as the arguments say.
FitSettings changed_settings(const FitArguments& arguments, const FitSettings& defaults,
                             std::size_t modelled) {
  const ModelKind model = arguments.settings.flow.model;
  json options = every_setting(defaults);
  options.update(arguments.given);
  refuse_unused(arguments.given, unused_options(model),
                "--model " + options.at("model").get<std::string>());
  const LogDetMethod method = log_det_methods().at(options.at("logdet"));
  refuse_unused(arguments.given, unused_options(method),
                "--logdet " + options.at("logdet").get<std::string>());
  if (options.at("marginal") == "gaussian") {
    refuse_unused(arguments.given, {"alpha"}, "--marginal gaussian");
  }
  for (const std::string& name : unused_data_options(defaults.is_image)) options.erase(name);
  for (const std::string& name : unused_options(model)) options.erase(name);
  for (const std::string& name : unused_options(method)) options.erase(name);
  FitSettings settings = settings_from_json(options, arguments.checkpoint);
  LogDetOptions& log_det = settings.train.log_det;
  if (method != LogDetMethod::kExact && !arguments.given.contains("terms")) {
    log_det.terms = default_terms(log_det.method, settings.flow, modelled);
  }
  if (log_det.probe == ProbeKind::kUnit && !arguments.given.contains("probes")) {
    log_det.probes = modelled;
  }
  return settings;
}

}  // namespace

FitSettings new_settings(const FitArguments& arguments, std::size_t training_rows,
                         std::size_t columns, std::size_t condition) {
  const ModelKind model = arguments.settings.flow.model;
  const std::size_t modelled = columns - condition;
  if (model != ModelKind::kIResNet && modelled < 2) {
    throw UsageError("--model: coupling layers need at least 2 columns, and " + arguments.data +
                     " has 1" + (condition > 0 ? " besides those given" : ""));
  }
  return changed_settings(
      arguments,
      default_fit_settings(model, training_rows, columns, condition, given_steps(arguments)),
      modelled);
}

FitSettings new_image_settings(const FitArguments& arguments, std::size_t training_images,
                               const ImageShape& shape) {
  const ModelKind model = arguments.settings.flow.model;
  if (model != ModelKind::kIResNet && shape.size() < 2) {
    throw UsageError("--model: coupling layers need at least 2 pixels, and the images of " +
                     arguments.data + " have 1");
  }
  return changed_settings(
      arguments, default_image_settings(model, training_images, shape, given_steps(arguments)),
      shape.size());
}

void check_unchanged(const FitArguments& arguments, const FitSettings& recorded) {
  if (recorded.val_fraction == 0 && arguments.val.empty()) {
    throw UsageError("--val: " + arguments.checkpoint +
                     " was validated on a file of its own; give it again to resume");
  }
  const json options = settings_to_json(recorded);
  for (const auto& [name, value] : arguments.given.items()) {
    if (options.contains(name) && value == options.at(name)) continue;
    if (name == "val-fraction" && !arguments.val.empty()) {
      throw UsageError("--val: " + arguments.checkpoint +
                       " was validated on rows of its data; resume without it");
    }
    const bool is_more_steps = name == "steps" && value > options.at(name);
    if (is_more_steps) continue;
    throw UsageError("--" + name + ": " + arguments.checkpoint + " was begun with " +
                     (options.contains(name) ? options.at(name).dump() : "none") + ", not " +
                     value.dump() +
                     (name == "steps" ? "; a resumed fit can only become longer"
                                      : "; resume without it, or begin anew with --force"));
  }
}

std::string default_checkpoint(const std::string& data) {
  if (data == "-") return "model.iflow";
  std::filesystem::path path(data);
  if (std::filesystem::is_directory(path)) {
    if (path.filename().empty()) path = path.parent_path();
    const bool has_name = path.filename() != "." && path.filename() != "..";
    return (has_name ? path : std::filesystem::canonical(path)).string() + ".iflow";
  }
  if (path.extension() == ".gz") path.replace_extension();
  return path.replace_extension(".iflow").string();
}

std::string resume_command(const FitArguments& arguments) {
  std::string command = "iflow fit " + shell_word(arguments.data) + " --resume";
  if (arguments.checkpoint != default_checkpoint(arguments.data)) {
    command += " -o " + shell_word(arguments.checkpoint);
  }
  if (!arguments.val.empty()) command += " --val " + shell_word(arguments.val);
  return command;
}

}  // namespace iflow
