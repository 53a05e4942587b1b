#include "recipes/settings_json.h"

#include <algorithm>

#include "base/error.h"

namespace iflow {
namespace {

using nlohmann::json;

// As the command line has it.
std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Of a value, or of an item of a list.
void check_text(const Setting& setting, const std::string& text) {
  const std::string problem = setting.check ? setting.check(text) : "";
  if (!problem.empty()) throw UsageError("--" + setting.name + ": " + problem);
  const std::vector<std::string>& names = setting.choices;
  if (names.empty() || std::find(names.begin(), names.end(), text) != names.end()) return;
  throw UsageError("--" + setting.name + ": unknown value \"" + text + "\"");
}

}  // namespace

void set_value(const Setting& setting, const json& value, Settings& settings) {
  if (setting.has_auto && value == "auto") return;
  const json fields_of_one = {{setting.name, value}};
  JsonFields fields(fields_of_one, "settings", throw_as<UsageError>);
  setting.set(fields, settings);
  if (!value.is_array()) return check_text(setting, text_of(value));
  for (const json& item : value) check_text(setting, text_of(item));
}

json settings_to_json(const Settings& settings) {
  json options = json::object();
  for (const Setting& s : settings_table()) {
    if (useless_by(s.scope, settings).empty()) options[s.name] = s.get(settings);
  }
  return options;
}

Settings settings_from_json(const json& options, const std::string& checkpoint) {
  JsonFields fields(options, checkpoint + ": options", throw_as<CheckpointError>);
  Settings settings;
  settings.is_image = fields.has("bits");
  for (const Setting& s : settings_table()) {
    if (fields.has(s.name)) s.set(fields, settings);
  }
  // What applies is known when all are read.
  for (const Setting& s : settings_table()) {
    const std::string by = useless_by(s.scope, settings);
    if (by.empty() && !fields.has(s.name)) {
      if (!s.once) fields.fail(s.name, "missing");
      const json before = {{s.name, *s.once}};
      JsonFields once(before, checkpoint + ": options", throw_as<CheckpointError>);
      s.set(once, settings);
    }
    if (!by.empty() && fields.has(s.name)) fields.fail(s.name, by + " has no use for it");
  }
  fields.finish();
  return settings;
}

}  // namespace iflow
