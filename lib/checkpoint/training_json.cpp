#include "checkpoint/training_json.h"

#include <limits>
#include <utility>

namespace iflow {

namespace {

using nlohmann::json;

json log_det_to_json(const LogDetOptions& c) {
  return {{"method", name_of(c.method, log_det_methods())},
          {"terms", c.terms.value()},
          {"probes", c.probes},
          {"probe", name_of(c.probe, probe_kinds())},
          {"continuation", tail_to_number(c)},
          {"gradient", name_of(c.gradient, log_det_gradients())}};
}

LogDetOptions log_det_from_json(JsonFields fields) {
  LogDetOptions c;
  c.method = named_value(fields, "method", log_det_methods());
  c.terms = fields.get<std::size_t>("terms");
  c.probes = fields.get<std::size_t>("probes");
  c.probe = named_value(fields, "probe", probe_kinds());
  const auto continuation = fields.get<double>("continuation");
  c.gradient = named_value(fields, "gradient", log_det_gradients());
  if (c.terms == 0) fields.fail("terms", "must be at least 1");
  if (c.probes == 0) fields.fail("probes", "must be at least 1");
  if (!(continuation >= 0 && continuation < 1)) {
    fields.fail("continuation", "must be at least 0 and below 1");
  }
  set_tail(c, continuation);
  fields.finish();
  return c;
}

}  // namespace

json train_to_json(const TrainConfig& c) {
  return {{"steps", c.steps},
          {"batch", c.batch},
          {"learning_rate", c.learning_rate},
          {"warmup", c.warmup},
          {"ema", c.ema},
          {"l1", c.l1},
          {"jacobian_penalty", c.jacobian_penalty},
          {"clip", c.clip},
          {"beta1", c.adam.beta1},
          {"beta2", c.adam.beta2},
          {"epsilon", c.adam.epsilon},
          {"log_det", log_det_to_json(c.log_det)},
          {"power_iterations", c.power_iterations},
          {"norm_every", c.norm_every},
          {"validate_every", c.validate_every},
          {"patience", c.patience},
          {"seed", c.seed}};
}

TrainConfig train_from_json(JsonFields fields) {
  TrainConfig c;
  c.steps = fields.get<std::uint64_t>("steps");
  c.batch = fields.get<std::size_t>("batch");
  c.learning_rate = fields.get<double>("learning_rate");
  c.warmup = fields.get<double>("warmup");
  c.ema = fields.get<double>("ema");
  c.l1 = fields.get_or("l1", 0.0);  // later additions to the format
  c.jacobian_penalty = fields.get_or("jacobian_penalty", 0.0);
  c.clip = fields.get_or("clip", 0.0);
  c.adam = {fields.get<double>("beta1"), fields.get<double>("beta2"),
            fields.get<double>("epsilon")};
  c.log_det = log_det_from_json(fields.object("log_det"));
  c.power_iterations = fields.get<int>("power_iterations");
  c.norm_every = fields.get<std::uint64_t>("norm_every");
  c.validate_every = fields.get<std::uint64_t>("validate_every");
  c.patience = fields.get<std::uint64_t>("patience");
  c.seed = fields.get<std::uint64_t>("seed");
  fields.finish();
  return c;
}

namespace {

json divergences_to_json(const std::vector<Divergence>& all) {
  json divergences = json::array();
  for (const Divergence& d : all) {
    divergences.push_back(
        {{"step", d.step}, {"back_to", d.back_to}, {"learning_rate", d.learning_rate}});
  }
  return divergences;
}

std::vector<Divergence> divergences_from_json(JsonFields& fields) {
  std::vector<Divergence> divergences;
  for (JsonFields& d : fields.objects("divergences")) {
    divergences.push_back({d.get<std::uint64_t>("step"), d.get<std::uint64_t>("back_to"),
                           d.get<double>("learning_rate")});
    d.finish();
  }
  return divergences;
}

}  // namespace

json history_to_json(const TrainState& state) {
  json points = json::array();
  for (const HistoryPoint& p : state.history) {
    points.push_back({{"step", p.step},
                      {"training_loss", p.training_loss},
                      {"validation_loss", p.validation_loss}});
  }
  return {{"step", state.step},           {"rate_factor", state.rate_factor},
          {"best_step", state.best_step}, {"best_loss", state.best_loss},
          {"points", std::move(points)},  {"divergences", divergences_to_json(state.divergences)}};
}

TrainState history_from_json(JsonFields fields) {
  TrainState state;
  state.step = fields.get<std::uint64_t>("step");
  state.rate_factor = fields.get<double>("rate_factor");
  state.best_step = fields.get<std::uint64_t>("best_step");
  state.best_loss = fields.get<double>("best_loss");
  for (JsonFields& p : fields.objects("points")) {
    state.history.push_back({p.get<std::uint64_t>("step"), p.get<double>("training_loss"),
                             p.get<double>("validation_loss")});
    p.finish();
  }
  state.divergences = divergences_from_json(fields);
  fields.finish();
  return state;
}

json refit_history_to_json(const TrainState& state) {
  json points = json::array();
  for (const HistoryPoint& p : state.history) {
    points.push_back({{"step", p.step}, {"training_loss", p.training_loss}});
  }
  return {{"step", state.step},
          {"rate_factor", state.rate_factor},
          {"points", std::move(points)},
          {"divergences", divergences_to_json(state.divergences)}};
}

TrainState refit_history_from_json(JsonFields fields) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  TrainState state;
  state.step = state.best_step = fields.get<std::uint64_t>("step");
  state.rate_factor = fields.get<double>("rate_factor");
  state.best_loss = kNone;
  for (JsonFields& p : fields.objects("points")) {
    state.history.push_back({p.get<std::uint64_t>("step"), p.get<double>("training_loss"), kNone});
    p.finish();
  }
  state.divergences = divergences_from_json(fields);
  fields.finish();
  return state;
}

}  // namespace iflow
