// Settings as JSON, one by one and as the record of a checkpoint, by the table of settings.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "recipes/settings_table.h"

namespace iflow {

// Sets one to a value that was given; the word auto leaves it. Throws UsageError for a value that
// makes no sense.
void set_value(const Setting& setting, const nlohmann::json& value, Settings& settings);

// The settings that apply, by their names, and back. Throws CheckpointError, beginning with
// `checkpoint`, for fields that are missing, unknown or of the wrong type.
nlohmann::json settings_to_json(const Settings& settings);
Settings settings_from_json(const nlohmann::json& options, const std::string& checkpoint);

}  // namespace iflow
