// Every option in effect of `iflow fit` that its result depends on: what the checkpoint records,
// and what resuming a fit must not change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/image_options.h"
#include "data/table_options.h"
#include "recipes/defaults.h"
#include "recipes/image_flows.h"

namespace iflow {

struct FitSettings {
  bool is_image = false;  // the data are images, for which bounds and the like have no meaning
  ImageOptions image;
  TableOptions table;
  std::vector<std::string> bounds;      // as given: a=0:1
  std::vector<std::string> continuous;  // integer columns to be taken as they are; or all
  std::vector<std::string> given;       // the columns that the density is conditional on
  std::string weights;                  // the column of the rows' weights; empty: none
  std::optional<double> val_fraction;  // 0: validation rows come from a file of their own; none: by
                                       // how many rows there are
  std::optional<bool> refit;  // to the rows held out as well; none: by how many rows there are
  FlowOptions flow;
  TrainConfig train;
};

// What suits a model and the shape of the data, `condition` of whose columns are given, for a plan
// of `steps` steps (none: as many as suit it, too).
FitSettings default_fit_settings(ModelKind model, std::size_t training_rows, std::size_t columns,
                                 std::size_t condition, std::optional<std::uint64_t> steps);

FitSettings default_image_settings(ModelKind model, std::size_t training_images,
                                   const ImageShape& shape, std::optional<std::uint64_t> steps);

// Whether a fit of so many rows has a refit. By default few rows have one: they miss those held out
// more, and take less time. (tests/bench/RESULTS.md, rows held out and the refit)
bool has_refit(const FitSettings& settings, std::size_t rows);

// The values of --refit.
const std::map<std::string, bool>& yes_or_no();

// The options that have no meaning for images, or for tables.
std::vector<std::string> unused_data_options(bool is_image);

// The options that have no meaning with a model, or with a way to find the log-determinant: an
// exact one has no terms.
std::vector<std::string> unused_options(ModelKind model);
std::vector<std::string> unused_options(LogDetMethod method);

// All settings by the long names of their options.
nlohmann::json every_setting(const FitSettings& settings);

// The settings that have a meaning by the long names of their options, and back. Throws
// CheckpointError, beginning with `checkpoint`, for fields that are missing or make no sense.
nlohmann::json settings_to_json(const FitSettings& settings);
FitSettings settings_from_json(const nlohmann::json& options, const std::string& checkpoint);

// The plan of these settings, made `steps` long: the options that follow from the steps follow
// them, unless they were chosen otherwise.
TrainConfig extended_plan(const FitSettings& settings, std::uint64_t steps);

}  // namespace iflow
