#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "base/error.h"
#include "base/json_fields.h"
#include "base/nearest.h"
#include "base/parallel.h"
#include "checkpoint/store_layout.h"
#include "number_checks.h"

namespace iflow {
namespace {

using nlohmann::json;

constexpr const char* kSharedGroup = "Shared options";

std::string version_text() {
  const BuildInfo build = build_info();
  std::string text = "iflow " + build.version + " (" + build.compiler + ", " + build.simd;
  if (!build.sanitizers.empty()) text += ", sanitizers " + build.sanitizers;
  return text + ", checkpoint format " + std::to_string(kCheckpointFormat) + ")";
}

// The options of a command that a config file may set, without their dashes.
std::vector<std::string> config_keys(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (name != "help" && name != "version" && name != "config") keys.push_back(name);
    }
  }
  return keys;
}

std::string read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw UsageError(path + ": cannot read the config file");
  return text;
}

// A value as it would stand on the command line, in one piece or several.
std::vector<std::string> as_arguments(const json& value, const std::string& place) {
  if (value.is_string()) return {value.get<std::string>()};
  if (value.is_number()) return {value.dump()};
  if (!value.is_array()) {
    throw UsageError(place + ": expected a number, a text or a list, got " + value.dump());
  }
  std::vector<std::string> arguments;
  for (const json& item : value) {
    if (item.is_array()) throw UsageError(place + ": expected a list, got " + value.dump());
    arguments.push_back(as_arguments(item, place).front());
  }
  return arguments;
}

void set_option(CLI::Option& option, const json& value, const std::string& place) {
  const bool is_flag = option.get_expected_max() == 0;
  if (is_flag && !value.is_boolean()) {
    throw UsageError(place + ": expected true or false, got " + value.dump());
  }
  // What is off or empty is as if not given.
  if (is_flag && !value.get<bool>()) return;
  if (value.is_array() && value.empty()) return;
  try {
    option.add_result(is_flag ? std::vector<std::string>{"true"} : as_arguments(value, place));
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    throw UsageError(place + ": " + error.what());
  }
}

void apply_config(CLI::App& command, const std::string& path) {
  const json config = parse_json(read_config(path), path, throw_as<UsageError>);
  if (!config.is_object()) throw UsageError(path + ": expected an object, {\"option\": value}");
  const std::vector<std::string> keys = config_keys(command);
  for (const auto& [key, value] : config.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw UsageError(path + ": unknown option \"" + key + "\"; did you mean \"" +
                       nearest(key, keys) + "\"?");
    }
    CLI::Option& option = *command.get_option("--" + key);
    if (option.count() == 0) set_option(option, value, path + ": " + key);
  }
}

std::string see_help(const CLI::App& command) {
  const std::string name = command.get_parent() == nullptr ? "" : command.get_name() + " ";
  return "; see iflow " + name + "--help";
}

std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

// What is wrong with the arguments that nobody took.
std::string unexpected_message(const CLI::App& command, const std::vector<std::string>& arguments) {
  const auto is_option = [](const std::string& a) { return a.size() > 1 && a.front() == '-'; };
  const auto option = std::find_if(arguments.begin(), arguments.end(), is_option);
  if (option != arguments.end()) {
    const std::string name = option->substr(0, option->find('='));
    return "unknown option " + name + "; did you mean " + nearest(name, option_names(command)) +
           "?";
  }
  const bool is_program = command.get_parent() == nullptr;
  if (is_program) {
    return "unknown command \"" + arguments.front() + "\"; did you mean \"" +
           nearest(arguments.front(), command_names(command)) + "\"?";
  }
  return "unexpected argument \"" + arguments.front() + "\"" + see_help(command);
}

}  // namespace

void set_up_program(CLI::App& program) {
  program.name("iflow");
  program.set_version_flag("--version", version_text(), "Version, compiler and format, and exit");
  program.set_help_flag("-h,--help", "This text, and exit");
  program.get_formatter()->column_width(34);
}

bool has_command(const CLI::App& program) { return !program.get_subcommands().empty(); }

std::string no_command_message(const CLI::App& program) {
  std::string names;
  for (const std::string& name : command_names(program)) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return "expected a command: " + names + see_help(program);
}

std::string usage_message(const CLI::App& program, const CLI::ParseError& error) {
  const std::vector<CLI::App*> called = program.get_subcommands();
  const CLI::App& command = called.empty() ? program : *called.front();
  // A mistyped option also makes what it stands for, or its value, be in the wrong place.
  const std::vector<std::string> unexpected = command.remaining();
  if (!unexpected.empty()) return unexpected_message(command, unexpected);
  return error.what() + see_help(command);
}

CLI::App& add_command(CLI::App& program, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App& command = *program.add_subcommand(name, description);
  command.set_version_flag("--version", version_text(), "Version, compiler and format, and exit")
      ->group(kSharedGroup);
  // Options are evaluated in the order in which they were added: the file fills in what is missing
  // before the others look.
  command
      .add_option_function<std::string>(
          "--config", [&command](const std::string& path) { apply_config(command, path); },
          "JSON object of options by their long names; the command line wins over it")
      ->type_name("FILE")
      ->group(kSharedGroup);
  command.footer("Example: " + example);
  return command;
}

void add_seed_option(CLI::App& command, std::uint64_t& seed) {
  command.add_option("--seed", seed, "Seed of all random numbers")
      ->check(whole_number())
      ->type_name("N")
      ->capture_default_str()
      ->group(kSharedGroup);
}

void add_threads_option(CLI::App& command) {
  command
      .add_option_function<int>(
          "--threads", [](int n) { set_threads(n); },
          "Threads to use; no result depends on it (default: all processors)")
      ->check(count_up_to(4096))
      ->type_name("N")
      ->group(kSharedGroup);
}

void add_json_option(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print the result as JSON on stdout")->group(kSharedGroup);
}

void add_quiet_option(CLI::App& command, bool& quiet) {
  command.add_flag("--quiet", quiet, "No progress and no summary on stderr")->group(kSharedGroup);
}

void add_table_options(CLI::App& command, TableOptions& table) {
  add_choice_option(command, "--header", table.header, header_modes(),
                    "Whether the first row names the columns: yes, no, auto (default)")
      ->type_name("WHEN");
  add_list_option(command, "--columns", table.columns, "Columns to use, by name: a,b,c")
      ->type_name("NAMES");
  add_choice_option(command, "--na", table.na, na_policies(),
                    "Rows with a missing value: drop them, or end with an error (default)")
      ->type_name("POLICY");
}

}  // namespace iflow
