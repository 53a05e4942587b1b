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

  // Filled by the options, of which only those in `given` were; by their long names.
  FitSettings settings;
  nlohmann::json given;
  bool automatic_log_det = false, automatic_terms = false;  // given as auto
};

// All but --json, which belongs to the result.
void add_fit_options(CLI::App& command, FitArguments& arguments);

// The parts of them that other commands take as well: which rows, how many steps, how progress is
// told.
void add_fit_data_options(CLI::App& command, FitArguments& arguments);
void add_budget_options(CLI::App& command, FitArguments& arguments);
void add_log_every_option(CLI::App& command, FitArguments& arguments);

// To be called once everything is parsed: what was given.
void note_given(const CLI::App& command, FitArguments& arguments);

// Sets whether the data are images. Throws UsageError for options that have no meaning for such
// data.
void settle_kind_of_data(FitArguments& arguments);

// Both, and the checkpoint's name. Throws UsageError also for a given column that is that of the
// weights.
void complete_arguments(const CLI::App& command, FitArguments& arguments);

// The settings of a new fit: the defaults for data of this shape, changed as the arguments say.
// `condition`: how many of the columns are given.
FitSettings new_settings(const FitArguments& arguments, std::size_t training_rows,
                         std::size_t columns, std::size_t condition);

FitSettings new_image_settings(const FitArguments& arguments, std::size_t training_images,
                               const ImageShape& shape);

// Throws UsageError naming the first option given that differs from the recorded one; steps may
// be more.
void check_unchanged(const FitArguments& arguments, const FitSettings& recorded);

// moons.csv.gz -> moons.iflow, digits.2/ -> digits.2.iflow
std::string default_checkpoint(const std::string& data);

// The command line that resumes this fit.
std::string resume_command(const FitArguments& arguments);

}  // namespace iflow
