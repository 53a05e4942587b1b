// Options that several commands share, and what a wrong command line is told.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/table_options.h"
#include "model/column_to_fit.h"

namespace iflow {

// --help, --version and the layout of the help text.
void set_up_program(CLI::App& program);

// Whether the command line called a command, and what to say if it didn't.
bool has_command(const CLI::App& program);
std::string no_command_message(const CLI::App& program);

// A rejected command line in words, the nearest valid option or command named.
std::string usage_message(const CLI::App& program, const CLI::ParseError& error);

// Adds a command with its --config: a JSON object whose keys are the command's long options. The
// command line wins over the file. `example`: a command line that works.
CLI::App& add_command(CLI::App& program, const std::string& name, const std::string& description,
                      const std::string& example);

// --seed, --threads (takes effect by itself), --json, --quiet. A command takes those it heeds.
void add_seed_option(CLI::App& command, std::uint64_t& seed);
void add_threads_option(CLI::App& command);
void add_json_option(CLI::App& command, bool& json);
void add_quiet_option(CLI::App& command, bool& quiet);

// --header, --columns and --na: how a table is read.
void add_table_options(CLI::App& command, TableOptions& table);

// An option whose value is a list, a,b,c.
template <class T>
CLI::Option* add_list_option(CLI::App& command, const std::string& name, std::vector<T>& list,
                             const std::string& description) {
  return command.add_option(name, list, description)->delimiter(',')->allow_extra_args(false);
}

// An option whose value is one of `choices`, by name. Both references must outlive the command.
template <class T, class Choice>
CLI::Option* add_choice_option(CLI::App& command, const std::string& name, Choice& choice,
                               const std::map<std::string, T>& choices,
                               const std::string& description) {
  const auto choose = [&](const std::string& chosen) { choice = choices.at(chosen); };
  return command.add_option_function<std::string>(name, choose, description)
      ->check(CLI::IsMember(choices));
}

// One of the names of `choices`, or the word auto.
template <class T>
CLI::Validator auto_or_name(const std::map<std::string, T>& choices) {
  std::vector<std::string> names = {"auto"};
  for (const auto& choice : choices) names.push_back(choice.first);
  return CLI::IsMember(names);
}

}  // namespace iflow
