#include "setting_options.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "number_checks.h"
#include "recipes/settings_table.h"

namespace iflow {
namespace {

using nlohmann::json;

void take(const Setting& setting, const std::vector<std::string>& texts, GivenSettings& given) {
  if (setting.has_auto && texts.front() == "auto") return;
  if (!setting.is_list) {
    given[setting.name] = setting.read(texts.front());
    return;
  }
  json items = json::array();
  for (const std::string& text : texts) items.push_back(setting.read(text));
  given[setting.name] = std::move(items);
}

CLI::Option* add_option(CLI::App& command, const Setting& setting, GivenSettings& given) {
  const std::string name = "--" + setting.name;
  const std::string help = setting.help + " (default: " + default_text(setting) + ")";
  if (setting.is_flag()) {
    return command.add_flag_function(
        name, [&](std::int64_t count) { given[setting.name] = count > 0; }, help);
  }
  if (setting.is_list) {
    return command
        .add_option_function<std::vector<std::string>>(
            name, [&](const std::vector<std::string>& texts) { take(setting, texts, given); }, help)
        ->delimiter(',')
        ->allow_extra_args(false);
  }
  return command.add_option_function<std::string>(
      name, [&](const std::string& text) { take(setting, {text}, given); }, help);
}

std::vector<std::string> choices_of(const Setting& setting) {
  std::vector<std::string> names;
  if (setting.has_auto) names.emplace_back("auto");
  names.insert(names.end(), setting.choices.begin(), setting.choices.end());
  return names;
}

}  // namespace

void add_setting_options(CLI::App& command, GivenSettings& given,
                         const std::function<bool(const Setting&)>& is_wanted) {
  for (const Setting& setting : settings_table()) {
    if (!is_wanted(setting)) continue;
    CLI::Option* option = add_option(command, setting, given);
    if (!setting.is_flag()) option->type_name(setting.type);
    if (!setting.group.empty()) option->group(setting.group);
    if (!setting.choices.empty()) option->check(CLI::IsMember(choices_of(setting)));
    if (setting.check) option->check(validator(setting.check));
  }
}

}  // namespace iflow
