#include "recipes/settings.h"

#include "base/error.h"
#include "base/json_fields.h"

namespace iflow {
namespace {

using nlohmann::json;

ImageOptions image_options_from_json(JsonFields& fields) {
  ImageOptions options;
  options.bits = fields.get<int>("bits");
  if (options.bits < 1 || options.bits > 8) fields.fail("bits", "must be from 1 to 8");
  for (const auto& [key, size] :
       {std::pair{"crop", &options.crop}, std::pair{"resize", &options.resize}}) {
    const auto text = fields.get<std::string>(key);
    *size = parse_size(text);
    if (!text.empty() && !*size) fields.fail(key, "expected HEIGHTxWIDTH");
  }
  return options;
}

LogDetOptions log_det_from_json(JsonFields& fields) {
  LogDetOptions c;
  c.method = named_value(fields, "logdet", log_det_methods());
  if (c.method == LogDetMethod::kExact) return c;
  c.terms = fields.get<std::size_t>("terms");
  c.probes = fields.get<std::size_t>("probes");
  c.probe = named_value(fields, "probe", probe_kinds());
  c.gradient = named_value(fields, "gradient", log_det_gradients());
  if (c.method == LogDetMethod::kRoulette) set_tail(c, fields.get<double>("continuation"));
  return c;
}

FlowOptions flow_from_json(JsonFields& fields) {
  FlowOptions flow;
  flow.model = named_value(fields, "model", model_kinds());
  flow.blocks = fields.get<std::size_t>("blocks");
  flow.hidden = fields.get<std::vector<std::size_t>>("hidden");
  flow.activation = fields.get<std::string>("activation");
  flow.activation_start = fields.get<double>("activation-start");
  if (flow.model == ModelKind::kIResNet) {
    flow.activation_first = fields.get<bool>("activation-first");
    flow.coefficient = fields.get<double>("coefficient");
    flow.start_gain = fields.get<double>("start-gain");
  }
  if (flow.model == ModelKind::kSpline) flow.bins = fields.get<std::size_t>("bins");
  return flow;
}

}  // namespace

FitSettings default_fit_settings(ModelKind model, std::size_t training_rows, std::size_t columns,
                                 std::size_t condition, std::optional<std::uint64_t> steps) {
  FitSettings settings;
  settings.flow = default_flow_options(training_rows, columns, model);
  settings.train = default_train_config(training_rows, columns, model, condition);
  if (steps) set_plan(settings.train, *steps);
  return settings;
}

FitSettings default_image_settings(ModelKind model, std::size_t training_images,
                                   const ImageShape& shape, std::optional<std::uint64_t> steps) {
  FitSettings settings;
  settings.is_image = true;
  settings.flow = default_image_options(model);
  settings.train = default_image_train_config(training_images, shape, model);
  if (steps) set_image_plan(settings.train, *steps);
  return settings;
}

bool has_refit(const FitSettings& settings, std::size_t rows) {
  constexpr std::size_t kMostRows = 20000;
  if (settings.is_image || settings.val_fraction == 0.0) return false;
  return settings.refit.value_or(rows <= kMostRows);
}

const std::map<std::string, bool>& yes_or_no() {
  static const std::map<std::string, bool> names = {{"yes", true}, {"no", false}};
  return names;
}

std::vector<std::string> unused_data_options(bool is_image) {
  if (is_image) {
    return {"header", "na", "columns", "bounds", "continuous", "given", "weights", "refit"};
  }
  return {"bits", "crop", "resize", "marginal", "alpha"};
}

std::vector<std::string> unused_options(ModelKind model) {
  if (model == ModelKind::kIResNet) return {"bins"};
  std::vector<std::string> names = {"activation-first",
                                    "coefficient",
                                    "start-gain",
                                    "l1",
                                    "jacobian-penalty",
                                    "power-iterations",
                                    "norm-every",
                                    "logdet",
                                    "terms",
                                    "probes",
                                    "probe",
                                    "continuation",
                                    "gradient"};
  if (model != ModelKind::kSpline) names.emplace_back("bins");
  return names;
}

std::vector<std::string> unused_options(LogDetMethod method) {
  switch (method) {
    case LogDetMethod::kExact:
      return {"terms", "probes", "probe", "continuation", "gradient"};
    case LogDetMethod::kSeries:
      return {"continuation", "jacobian-penalty"};
    case LogDetMethod::kRoulette:
      break;
  }
  return {"jacobian-penalty"};
}

json settings_to_json(const FitSettings& s) {
  json settings = every_setting(s);
  for (const std::string& name : unused_data_options(s.is_image)) settings.erase(name);
  for (const std::string& name : unused_options(s.train.log_det.method)) settings.erase(name);
  for (const std::string& name : unused_options(s.flow.model)) settings.erase(name);
  if (s.flow.marginal == PixelMarginal::kGaussian) settings.erase("alpha");
  return settings;
}

json every_setting(const FitSettings& s) {
  return {{"bits", s.image.bits},
          {"crop", size_text(s.image.crop)},
          {"resize", size_text(s.image.resize)},
          {"marginal", name_of(s.flow.marginal, pixel_marginals())},
          {"alpha", s.flow.alpha},
          {"header", name_of(s.table.header, header_modes())},
          {"na", name_of(s.table.na, na_policies())},
          {"columns", s.table.columns},
          {"bounds", s.bounds},
          {"continuous", s.continuous},
          {"given", s.given},
          {"weights", s.weights},
          {"val-fraction", s.val_fraction ? json(*s.val_fraction) : json()},
          {"refit", s.refit ? json(name_of(*s.refit, yes_or_no())) : json()},
          {"model", name_of(s.flow.model, model_kinds())},
          {"blocks", s.flow.blocks},
          {"hidden", s.flow.hidden},
          {"activation", s.flow.activation},
          {"activation-start", s.flow.activation_start},
          {"activation-first", s.flow.activation_first},
          {"coefficient", s.flow.coefficient},
          {"start-gain", s.flow.start_gain},
          {"bins", s.flow.bins},
          {"steps", s.train.steps},
          {"batch", s.train.batch},
          {"lr", s.train.learning_rate},
          {"warmup", s.train.warmup},
          {"ema", s.train.ema},
          {"l1", s.train.l1},
          {"jacobian-penalty", s.train.jacobian_penalty},
          {"clip", s.train.clip},
          {"logdet", name_of(s.train.log_det.method, log_det_methods())},
          {"terms", s.train.log_det.terms.value()},
          {"probes", s.train.log_det.probes},
          {"probe", name_of(s.train.log_det.probe, probe_kinds())},
          {"continuation", tail_to_number(s.train.log_det)},
          {"gradient", name_of(s.train.log_det.gradient, log_det_gradients())},
          {"power-iterations", s.train.power_iterations},
          {"norm-every", s.train.norm_every},
          {"validate-every", s.train.validate_every},
          {"patience", s.train.patience},
          {"seed", s.train.seed}};
}

FitSettings settings_from_json(const json& options, const std::string& checkpoint) {
  JsonFields fields(options, checkpoint + ": options", throw_as<CheckpointError>);
  FitSettings s;
  s.is_image = fields.has("bits");
  if (s.is_image) {
    s.image = image_options_from_json(fields);
    s.refit = false;
  } else {
    s.table.header = named_value(fields, "header", header_modes());
    s.table.na = named_value(fields, "na", na_policies());
    s.table.columns = fields.get<std::vector<std::string>>("columns");
    s.bounds = fields.get<std::vector<std::string>>("bounds");
    s.continuous = fields.get<std::vector<std::string>>("continuous");
    s.given = fields.get<std::vector<std::string>>("given");
    s.weights = fields.get<std::string>("weights");
    if (!fields.has("refit")) {
      s.refit = false;  // a later addition to the format
    } else if (!fields.get<json>("refit").is_null()) {
      s.refit = named_value(fields, "refit", yes_or_no());
    }
  }
  const bool automatic = fields.get<json>("val-fraction").is_null();
  if (!automatic) s.val_fraction = fields.get<double>("val-fraction");
  s.flow = flow_from_json(fields);
  if (s.is_image) {
    s.flow.marginal = named_value(fields, "marginal", pixel_marginals());
    if (fields.has("alpha")) s.flow.alpha = fields.get<double>("alpha");
  }
  s.train.steps = fields.get<std::uint64_t>("steps");
  s.train.batch = fields.get<std::size_t>("batch");
  s.train.learning_rate = fields.get<double>("lr");
  s.train.warmup = fields.get<double>("warmup");
  s.train.ema = fields.get<double>("ema");
  s.train.clip = fields.get_or("clip", 0.0);  // a later addition to the format
  if (s.flow.model == ModelKind::kIResNet) {
    s.train.l1 = fields.get_or("l1", 0.0);  // later additions to the format
    s.train.jacobian_penalty = fields.get_or("jacobian-penalty", 0.0);
    s.train.log_det = log_det_from_json(fields);
    s.train.power_iterations = fields.get<int>("power-iterations");
    s.train.norm_every = fields.get<std::uint64_t>("norm-every");
  }
  s.train.validate_every = fields.get<std::uint64_t>("validate-every");
  s.train.patience = fields.get<std::uint64_t>("patience");
  s.train.seed = fields.get<std::uint64_t>("seed");
  fields.finish();
  return s;
}

TrainConfig extended_plan(const FitSettings& settings, std::uint64_t steps) {
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
