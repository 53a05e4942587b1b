#include "checkpoint/training_json.h"

#include <limits>
#include <utility>

namespace iflow {

namespace {

using nlohmann::json;

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
