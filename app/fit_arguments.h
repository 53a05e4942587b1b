// The command line of `iflow fit`.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "recipes/settings.h"

namespace iflow {

struct FitArguments {
  std::string data;        // path of the rows, or "-"
  std::string checkpoint;  // directory
  std::string val;         // path of the validation rows; empty: they are split off
  std::optional<double> seconds;
  bool resume = false;
  bool force = false;
  bool json = false;
  bool quiet = false;
  bool memory = false;          // to be told
  std::uint64_t log_every = 0;  // steps; 0: by the clock
  GivenSettings given = GivenSettings::object();
};

// All but --json, which belongs to the result.
void add_fit_options(CLI::App& command, FitArguments& arguments);

// The part of them that says on which rows to fit and how many steps, for a command that compares
// fits.
void add_shared_fit_options(CLI::App& command, FitArguments& arguments);

// Gives the checkpoint its name where none is given. Throws UsageError for one that is no
// directory.
void complete_arguments(FitArguments& arguments);

// moons.csv.gz -> moons.iflow, digits.2/ -> digits.2.iflow
std::string default_checkpoint(const std::string& data);

// The command line that resumes this fit.
std::string resume_command(const FitArguments& arguments);

}  // namespace iflow
