// The settings of a fit: everything besides the data that its result depends on, what the
// checkpoint records, and what resuming a fit must not change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/image_options.h"
#include "data/images.h"
#include "data/table_options.h"
#include "recipes/defaults.h"

namespace iflow {

// What a fit of a table begins from: the Gaussian of its rows, which blocks bend from there, or the
// stacked mixture (mixture/stack.h), which is the model as it is.
enum class Start { kGaussian, kStack };

const std::map<std::string, Start>& starts();  // gaussian, stack

// Every field has its row in settings_table.cpp.
struct Settings {
  bool is_image = false;  // the data are images, for which bounds and the like have no meaning
  ImageOptions image;
  TableOptions table;
  std::vector<std::string> bounds;      // as given: a=0:1
  std::vector<std::string> continuous;  // integer columns to be taken as they are; or all
  std::vector<std::string> given;       // the columns that the density is conditional on
  std::string weights;                  // the column of the rows' weights; empty: none
  // Of the rows that are held out. 0: those come from a file of their own; none: by how many rows
  // there are.
  std::optional<double> val_fraction;
  std::optional<bool> refit;  // to the rows held out as well; none: by how many rows there are
  Start start = Start::kGaussian;
  FlowOptions flow;
  TrainConfig train;
};

// The settings that a person chose, by name, with their values: {"steps": 300}.
using GivenSettings = nlohmann::json;

// What the defaults depend on.
struct DataShape {
  std::size_t rows = 0;     // to learn from, those of a refit included
  std::size_t columns = 0;  // numbers in a row
  std::size_t given = 0;    // of them, that the density is conditional on
  std::optional<ImageShape> image = {};
};

// What suits a model and the shape of the data, for a plan of `steps` steps (none: as many as suit
// it, too). The choices are those of defaults.cpp, coupling_flows.cpp and image_flows.cpp.
Settings default_settings(ModelKind model, const DataShape& shape,
                          std::optional<std::uint64_t> steps);

// The model that was chosen, or the default.
ModelKind chosen_model(const GivenSettings& given);

// The settings of a new fit: the defaults, changed as `given` says. What does not apply
// (settings_table.h) is as in Settings{}. Throws UsageError for a setting that is unknown, does not
// apply or makes no sense, and where a coupling flow has fewer than two columns; `source` names the
// data.
Settings new_settings(const GivenSettings& given, const DataShape& shape,
                      const std::string& source);

// The settings that were chosen, the others as in Settings{}, to read tables or images by. Throws
// UsageError for one that is unknown, makes no sense or has no meaning for such data, and for a
// given column that is that of the weights.
Settings data_settings(const GivenSettings& given, bool is_image);

// Throws UsageError naming the first setting given that differs from the recorded one; steps may
// be more. `checkpoint` names the record.
void check_unchanged(const GivenSettings& given, const Settings& recorded,
                     const std::string& checkpoint);

// Whether a fit of so many rows has a refit. By default few rows have one: they miss those held out
// more, and take less time. (tests/bench/RESULTS.md, rows held out and the refit)
bool has_refit(const Settings& settings, std::size_t rows);

// The part of so many rows that is held out: what was chosen; else at most that of
// most_held_out(), a fifth where a refit has them back, a tenth where none has; from 5,000 on 500
// rows, which tell well enough where to stop; from 10,000 on a twentieth.
double held_out_part(const Settings& settings, std::size_t rows);

// More rows would only slow the run down: their standard error is small enough; of images, whose
// log-determinants are estimated, fewer.
std::size_t most_held_out(bool is_image);

// The plan of these settings, made `steps` long: the settings that follow from the steps follow
// them, unless they were chosen otherwise.
TrainConfig extended_plan(const Settings& settings, std::uint64_t steps);

}  // namespace iflow
