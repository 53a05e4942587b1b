#include "fit_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "number_checks.h"
#include "options.h"
#include "setting_options.h"

namespace iflow {
namespace {

constexpr std::uint64_t kMaxSteps = 1'000'000'000'000;

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

void add_log_every_option(CLI::App& command, FitArguments& arguments) {
  command
      .add_option("--log-every", arguments.log_every,
                  "Steps between lines of progress (default: every 10 seconds)")
      ->check(count_up_to(kMaxSteps))
      ->type_name("N");
}

void add_val_option(CLI::App& command, FitArguments& arguments) {
  command.add_option("--val", arguments.val, "Validate on the rows of this file")
      ->type_name("FILE");
}

// What --val and --time exclude among the settings, and --time.
void add_sources(CLI::App& command, FitArguments& arguments) {
  CLI::Option* val = command.get_option("--val");
  for (const char* name : {"--val-fraction", "--refit"}) {
    CLI::Option* option = command.get_option_no_throw(name);
    if (option != nullptr) option->excludes(val);
  }
  command
      .add_option_function<std::string>(
          "--time",
          [&arguments](const std::string& text) { arguments.seconds = parse_duration(text); },
          "As many steps as this time allows: 60s, 5m, 1h")
      ->excludes(command.get_option("--steps"))
      ->type_name("TIME")
      ->group(command.get_option("--steps")->get_group());
}

}  // namespace

void add_shared_fit_options(CLI::App& command, FitArguments& arguments) {
  add_log_every_option(command, arguments);
  add_val_option(command, arguments);
  add_setting_options(command, arguments.given, [](const Setting& setting) {
    const std::vector<std::string> own = {"given", "refit"};
    const bool is_of_data = setting.group.empty() || setting.group == "Images";
    const bool is_wanted = is_of_data || setting.name == "steps" || setting.name == "seed";
    return is_wanted && std::find(own.begin(), own.end(), setting.name) == own.end();
  });
  add_sources(command, arguments);
  add_threads_option(command);
  add_quiet_option(command, arguments.quiet);
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
  add_val_option(command, arguments);
  add_setting_options(command, arguments.given, [](const Setting&) { return true; });
  add_sources(command, arguments);
  add_threads_option(command);
  add_quiet_option(command, arguments.quiet);
}

void complete_arguments(FitArguments& arguments) {
  if (arguments.checkpoint == "-") {
    throw UsageError("-o: a checkpoint is a directory and can't go to stdout");
  }
  if (arguments.checkpoint.empty()) arguments.checkpoint = default_checkpoint(arguments.data);
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
