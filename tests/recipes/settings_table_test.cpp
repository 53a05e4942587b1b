#include "recipes/settings_table.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "recipes/settings_json.h"

namespace iflow {
namespace {

using nlohmann::json;

const DataShape kPlaneShape = {1000, 2, 0, std::nullopt};
const DataShape kWideShape = {1000, 20, 0, std::nullopt};
const DataShape kImagesShape = {1000, 64, 0, ImageShape{8, 8, 1}};

// Settings of every kind: all that there is applies to some of them.
std::vector<Settings> every_kind() {
  std::vector<Settings> all;
  for (const DataShape& shape : {kPlaneShape, kWideShape, kImagesShape}) {
    for (const auto& [name, kind] : model_kinds()) {
      all.push_back(new_settings({{"model", name}}, shape, "x"));
    }
    for (const auto& [name, method] : log_det_methods()) {
      all.push_back(new_settings({{"logdet", name}}, shape, "x"));
    }
  }
  all.push_back(new_settings({{"marginal", "logit"}}, kImagesShape, "x"));
  for (Settings& s : all) {
    s.val_fraction = 0.25;
    if (!s.is_image) s.refit = false;
  }
  return all;
}

bool applies(const Setting& setting, const Settings& settings) {
  return useless_by(setting.scope, settings).empty();
}

// A value that is neither the default nor the value in `settings`.
json another_value(const Setting& setting, const Settings& settings) {
  std::vector<json> values;
  for (const std::string& name : setting.choices) values.emplace_back(name);
  if (setting.is_flag()) values = {true, false};
  if (setting.choices.empty() && !setting.is_flag()) {
    for (const char* text : {"3", "5", "0.125", "7x5", "a=0:1", "tanh", "elu"}) {
      if (setting.check && !setting.check(text).empty()) continue;
      const json value = setting.read(text);
      values.push_back(setting.is_list ? json::array({value}) : value);
    }
  }
  for (const json& value : values) {
    if (value != setting.get(settings) && value != setting.get(Settings{})) return value;
  }
  for (const json& value : values) {
    if (value != setting.get(settings)) return value;
  }
  return {};
}

// The text of an error, of the type E.
template <class E, class Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const E& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("settings: every one has a name, a help text and a default of its own") {
  std::set<std::string> names;
  for (const Setting& s : settings_table()) {
    CAPTURE(s.name);
    CHECK(names.insert(s.name).second);
    CHECK(&find_setting(s.name) == &s);
    CHECK_FALSE(s.help.empty());
    CHECK_FALSE(default_text(s).empty());
    CHECK(default_text(s) != "[]");
  }
  CHECK(error_of<UsageError>([] { find_setting("stesp"); }) ==
        "unknown setting \"stesp\"; did you mean \"steps\"?");
}

TEST_CASE("settings: a default that is said as a value is that of all data") {
  for (const DataShape& shape :
       {DataShape{50, 1}, kPlaneShape, DataShape{100000, 2}, kWideShape, DataShape{100000, 20},
        kImagesShape, DataShape{50000, 64, 0, ImageShape{8, 8, 1}}}) {
    for (const auto& [name, kind] : model_kinds()) {
      if (kind != ModelKind::kIResNet && shape.columns == 1) continue;
      const Settings settings = new_settings({{"model", name}}, shape, "x");
      for (const Setting& s : settings_table()) {
        if (!s.by_default.empty() || s.name == "model" || !applies(s, settings)) continue;
        CAPTURE(s.name);
        CHECK(s.get(settings) == s.get(Settings{}));
      }
    }
  }
}

TEST_CASE("settings: every one is recorded where it applies, and restored") {
  std::set<std::string> recorded;
  for (const Settings& settings : every_kind()) {
    const json before = settings_to_json(settings);
    for (const Setting& s : settings_table()) {
      CAPTURE(s.name);
      CHECK(before.contains(s.name) == applies(s, settings));
      if (!applies(s, settings)) continue;
      recorded.insert(s.name);
      Settings changed = settings;
      const json value = another_value(s, settings);
      REQUIRE_FALSE(value.is_null());
      set_value(s, value, changed);
      CHECK(s.get(changed) == value);
      // What decides to whom others apply takes those along.
      const std::set<std::string> deciders = {"model", "logdet", "marginal", "start"};
      if (deciders.contains(s.name)) continue;
      const json record = settings_to_json(changed);
      CHECK(record.at(s.name) == value);
      CHECK(s.get(settings_from_json(record, "m")) == value);
      json others = record;
      others[s.name] = before.at(s.name);
      CHECK(others == before);
    }
    CHECK(settings_to_json(settings_from_json(before, "m")) == before);
  }
  CHECK(recorded.size() == settings_table().size());
}

TEST_CASE("settings: a resumed fit refuses every one that is changed, and none that is not") {
  for (const Settings& settings : every_kind()) {
    for (const Setting& s : settings_table()) {
      if (!applies(s, settings)) continue;
      CAPTURE(s.name);
      json value = another_value(s, settings);
      if (s.name == "steps") value = 3;
      const std::string error = error_of<UsageError>([&] {
        check_unchanged({{s.name, value}}, settings, "m.iflow");
      });
      CHECK(error.starts_with("--" + s.name + ": m.iflow was begun with "));
      CHECK_NOTHROW(check_unchanged({{s.name, s.get(settings)}}, settings, "m.iflow"));
    }
  }
  Settings settings = every_kind().front();
  settings.train.steps = 300;
  CHECK_NOTHROW(check_unchanged({{"steps", 301}}, settings, "m"));
  CHECK(error_of<UsageError>([&] {
          check_unchanged({{"steps", 299}}, settings, "m");
        }) == "--steps: m was begun with 300, not 299; a resumed fit can only become longer");
}

TEST_CASE("settings: every one is refused where it does not apply") {
  std::set<std::string> refused;
  for (const DataShape& shape : {kPlaneShape, kImagesShape}) {
    for (const json& given :
         {json{{"model", "iresnet"}}, json{{"model", "nice"}}, json{{"logdet", "exact"}},
          json{{"logdet", "series"}}, json{{"logdet", "roulette"}}}) {
      const Settings settings = new_settings(given, shape, "x");
      for (const Setting& s : settings_table()) {
        if (applies(s, settings)) continue;
        CAPTURE(s.name);
        refused.insert(s.name);
        json more = given;
        more[s.name] = another_value(s, Settings{});
        const std::string by = useless_by(s.scope, settings);
        CHECK(error_of<UsageError>([&] { new_settings(more, shape, "x"); }) ==
              "--" + s.name + ": " + by + " has no use for it");
        json record = settings_to_json(settings);
        record[s.name] = s.get(Settings{});
        CHECK(error_of<CheckpointError>([&] {
                settings_from_json(record, "m");
              }).starts_with("m: options: "));
      }
    }
  }
  for (const Setting& s : settings_table()) {
    const bool is_for_all = s.scope.data == DataKind::kAny && s.scope.models.empty() &&
                            s.scope.methods.empty() && s.scope.marginals.empty();
    CHECK_MESSAGE(refused.contains(s.name) != is_for_all, s.name);
  }
}

TEST_CASE("settings: of the wrong type, unknown or missing") {
  for (const json& given :
       {json{{"steps", "many"}}, json{{"steps", 0}}, json{{"lr", true}}, json{{"model", "iresnt"}},
        json{{"hidden", json::array({0})}}, json{{"activation", "sinus"}}, json{{"crop", "7"}}}) {
    const bool is_image = given.contains("crop");
    const std::string name = given.items().begin().key();
    const std::string error = error_of<UsageError>([&] { data_settings(given, is_image); });
    CHECK_MESSAGE(error.find(name) != std::string::npos, error);
  }
  const json record = settings_to_json(every_kind().front());
  for (const Setting& s : settings_table()) {
    if (!record.contains(s.name) || s.name == "model" || s.name == "logdet") continue;
    CAPTURE(s.name);
    json without = record;
    without.erase(s.name);
    if (s.once) {
      CHECK(s.get(settings_from_json(without, "m")) == *s.once);
    } else {
      CHECK(error_of<CheckpointError>([&] { settings_from_json(without, "m"); }) ==
            "m: options: " + s.name + ": missing");
    }
  }
}

TEST_CASE("settings: the word auto is as if nothing were given") {
  const json auto_given = {{"logdet", "auto"}, {"terms", "auto"}};
  CHECK(settings_to_json(new_settings(auto_given, kWideShape, "x")) ==
        settings_to_json(new_settings(json::object(), kWideShape, "x")));
}

TEST_CASE("settings: which part is held out") {
  Settings settings;
  settings.refit = false;
  CHECK(held_out_part(settings, 1000) == 0.1);
  CHECK(held_out_part(settings, 7000) == doctest::Approx(500.0 / 7000));
  CHECK(held_out_part(settings, 30000) == 0.05);
  CHECK(held_out_part(settings, 1'000'000) == 0.01);  // 10,000 at most
  settings.refit.reset();
  CHECK(held_out_part(settings, 20000) == 0.2);
  CHECK(held_out_part(settings, 20001) == 0.05);
  settings.is_image = true;
  CHECK(held_out_part(settings, 20000) == 0.025);  // 500 at most
  // What was chosen is obeyed.
  settings.val_fraction = 0.5;
  CHECK(held_out_part(settings, 20000) == 0.5);
  settings.is_image = false;
  CHECK(held_out_part(settings, 1'000'000) == 0.5);
}

}  // namespace
}  // namespace iflow
