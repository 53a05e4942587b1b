#include "recipes/settings.h"

#include <algorithm>

#include "base/error.h"
#include "recipes/image_flows.h"
#include "recipes/settings_json.h"
#include "recipes/settings_table.h"

namespace iflow {
namespace {

using nlohmann::json;

std::optional<std::uint64_t> steps_of(const GivenSettings& given) {
  if (!given.contains("steps")) return std::nullopt;
  return given.at("steps").get<std::uint64_t>();
}

void set_given(const GivenSettings& given, Settings& settings) {
  for (const auto& [name, value] : given.items()) set_value(find_setting(name), value, settings);
}

void refuse_useless(const GivenSettings& given, const Settings& settings) {
  for (const auto& [name, value] : given.items()) {
    const std::string by = useless_by(find_setting(name).scope, settings);
    if (!by.empty()) throw UsageError("--" + name + ": " + by + " has no use for it");
  }
}

// The stack wins where rows are few and columns are not a plane; whoever chooses how blocks are
// learned wants blocks. (tests/bench/RESULTS.md, stacked mixtures)
Start default_start(const GivenSettings& given, const Settings& settings, const DataShape& shape) {
  constexpr std::size_t kFewRows = 1000;
  if (shape.image || shape.columns == kPlane || shape.rows >= kFewRows) return Start::kGaussian;
  if (settings.flow.model != ModelKind::kIResNet) return Start::kGaussian;
  for (const auto& [name, value] : given.items()) {
    if (find_setting(name).scope.learned) return Start::kGaussian;
  }
  return Start::kStack;
}

// What does not apply becomes as if there were no such setting.
void forget_useless(Settings& settings) {
  const Settings none;
  const Settings before = settings;
  for (const Setting& s : settings_table()) {
    if (!useless_by(s.scope, before).empty()) s.copy(none, settings);
  }
}

void check_width(ModelKind model, const DataShape& shape, const std::string& source) {
  if (model == ModelKind::kIResNet || shape.columns - shape.given >= 2) return;
  throw UsageError(shape.image
                       ? "--model: coupling layers need at least 2 pixels, and the images of " +
                             source + " have 1"
                       : "--model: coupling layers need at least 2 columns, and " + source +
                             " has 1" + (shape.given > 0 ? " besides those given" : ""));
}

}  // namespace

const std::map<std::string, Start>& starts() {
  static const std::map<std::string, Start> names = {{"gaussian", Start::kGaussian},
                                                     {"stack", Start::kStack}};
  return names;
}

Settings default_settings(ModelKind model, const DataShape& shape,
                          std::optional<std::uint64_t> steps) {
  Settings settings;
  settings.is_image = shape.image.has_value();
  if (shape.image) {
    settings.flow = default_image_options(model);
    settings.train = default_image_train_config(shape.rows, *shape.image, model);
    if (steps) set_image_plan(settings.train, *steps);
  } else {
    settings.flow = default_flow_options(shape.rows, shape.columns, model);
    settings.train = default_train_config(shape.rows, shape.columns, model, shape.given);
    if (steps) set_plan(settings.train, *steps);
  }
  return settings;
}

ModelKind chosen_model(const GivenSettings& given) {
  Settings settings;
  if (given.contains("model")) set_value(find_setting("model"), given.at("model"), settings);
  return settings.flow.model;
}

Settings new_settings(const GivenSettings& given, const DataShape& shape,
                      const std::string& source) {
  const ModelKind model = chosen_model(given);
  check_width(model, shape, source);
  Settings settings = default_settings(model, shape, steps_of(given));
  set_given(given, settings);
  if (!given.contains("start")) settings.start = default_start(given, settings, shape);
  refuse_useless(given, settings);
  forget_useless(settings);
  const std::size_t modelled = shape.columns - shape.given;
  LogDetOptions& log_det = settings.train.log_det;
  if (settings.start == Start::kStack) return settings;
  if (log_det.method != LogDetMethod::kExact && !given.contains("terms")) {
    log_det.terms = default_terms(log_det.method, settings.flow, modelled);
  }
  if (log_det.probe == ProbeKind::kUnit && !given.contains("probes")) log_det.probes = modelled;
  return settings;
}

Settings data_settings(const GivenSettings& given, bool is_image) {
  Settings settings;
  settings.is_image = is_image;
  for (const auto& [name, value] : given.items()) {
    const Setting& setting = find_setting(name);
    const std::string by = useless_for(setting.scope, is_image);
    if (!by.empty()) throw UsageError("--" + name + ": " + by + " has no use for it");
    set_value(setting, value, settings);
  }
  const std::vector<std::string>& columns = settings.given;
  if (std::find(columns.begin(), columns.end(), settings.weights) != columns.end()) {
    throw UsageError("--given: \"" + settings.weights + "\" is the column of --weights");
  }
  return settings;
}

void check_unchanged(const GivenSettings& given, const Settings& recorded,
                     const std::string& checkpoint) {
  const json record = settings_to_json(recorded);
  for (const auto& [name, value] : given.items()) {
    if (record.contains(name) && value == record.at(name)) continue;
    const bool is_steps = name == "steps";
    if (is_steps && record.contains(name) && value > record.at(name)) continue;
    if (recorded.start == Start::kStack && !record.contains(name)) {
      throw UsageError("--" + name + ": " + checkpoint +
                       " is a stacked mixture, which has no use " +
                       "for it; begin anew with --force --start gaussian");
    }
    throw UsageError("--" + name + ": " + checkpoint + " was begun with " +
                     (record.contains(name) ? record.at(name).dump() : "none") + ", not " +
                     value.dump() +
                     (is_steps ? "; a resumed fit can only become longer"
                               : "; resume without it, or begin anew with --force"));
  }
}

bool has_refit(const Settings& settings, std::size_t rows) {
  constexpr std::size_t kMostRows = 20000;
  if (settings.is_image || settings.val_fraction == 0.0) return false;
  return settings.refit.value_or(rows <= kMostRows);
}

std::size_t most_held_out(bool is_image) { return is_image ? 500 : 10000; }

// (tests/bench/RESULTS.md, rows held out and the refit)
double held_out_part(const Settings& settings, std::size_t rows) {
  constexpr double kMost = 0.1, kLeast = 0.05, kEnoughRows = 500, kOfRefit = 0.2;
  if (settings.val_fraction) return *settings.val_fraction;
  const auto n = static_cast<double>(rows);
  const double part =
      has_refit(settings, rows) ? kOfRefit : std::clamp(kEnoughRows / n, kLeast, kMost);
  return std::min(part, static_cast<double>(most_held_out(settings.is_image)) / n);
}

TrainConfig extended_plan(const Settings& settings, std::uint64_t steps) {
  const auto set = settings.is_image ? set_image_plan : set_plan;
  const TrainConfig& given = settings.train;
  TrainConfig suitable = given, plan = given;
  set(suitable, given.steps);
  set(plan, steps);
  if (given.validate_every != suitable.validate_every) plan.validate_every = given.validate_every;
  if (given.patience != suitable.patience) plan.patience = given.patience;
  return plan;
}

}  // namespace iflow
