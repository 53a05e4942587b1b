// One setting: what it is called, what it means, by what it is checked, to whom it applies, and how
// it is read from and written to JSON.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "data/value_checks.h"
#include "recipes/settings.h"

namespace iflow {

enum class DataKind { kAny, kTables, kImages };

// To whom a setting applies; an empty list is everyone.
struct Scope {
  DataKind data = DataKind::kAny;
  std::vector<ModelKind> models = {};
  std::vector<LogDetMethod> methods = {};
  std::vector<PixelMarginal> marginals = {};
  bool learned = false;  // only where blocks or couplings are learned
};

// Who has no use for a setting of that scope: "a model of images", "--model glow", "--start stack",
// "--logdet exact" or "--marginal gaussian"; empty where it applies.
std::string useless_by(const Scope& scope, const Settings& settings);
// The same of the kind of data alone.
std::string useless_for(const Scope& scope, bool is_image);

struct Setting {
  std::string name;             // of the option --name, and of the field of the record
  std::string group = {};       // of options in --help
  std::string type = {};        // of the value, as --help says it; of a flag empty
  std::string help;             // without the default
  std::string by_default = {};  // in words; empty: the value in Settings{}
  Scope scope = {};
  std::vector<std::string> choices = {};  // the names that a value can have; empty: any
  bool has_auto = false;                  // the word auto is as if it were not given
  ValueCheck check = nullptr;             // of a value as text, of each item of a list; or none
  std::optional<nlohmann::json> once = std::nullopt;  // in records from before there was one

  bool is_list = false;
  // From the text of a value, or of an item of a list, that `check` accepts.
  std::function<nlohmann::json(const std::string& text)> read = nullptr;
  std::function<nlohmann::json(const Settings&)> get = nullptr;
  std::function<void(JsonFields& fields, Settings&)> set = nullptr;  // by the field `name`
  std::function<void(const Settings& from, Settings& to)> copy = nullptr;

  bool is_flag() const { return type.empty(); }
};

// What it is unless it is given, in words.
std::string default_text(const Setting& setting);

}  // namespace iflow
