#include "recipes/setting.h"

#include <algorithm>

namespace iflow {

std::string useless_for(const Scope& scope, bool is_image) {
  const DataKind other = is_image ? DataKind::kTables : DataKind::kImages;
  if (scope.data != other) return {};
  return is_image ? "a model of images" : "a model of a table";
}

namespace {

template <class T>
bool takes(const std::vector<T>& some, T value) {
  return some.empty() || std::find(some.begin(), some.end(), value) != some.end();
}

}  // namespace

std::string useless_by(const Scope& scope, const Settings& s) {
  const std::string by_data = useless_for(scope, s.is_image);
  if (!by_data.empty()) return by_data;
  if (!takes(scope.models, s.flow.model)) {
    return "--model " + name_of(s.flow.model, model_kinds());
  }
  const bool has_start = !s.is_image && s.flow.model == ModelKind::kIResNet;
  if (scope.learned && has_start && s.start == Start::kStack) return "--start stack";
  if (!takes(scope.methods, s.train.log_det.method)) {
    return "--logdet " + name_of(s.train.log_det.method, log_det_methods());
  }
  if (!takes(scope.marginals, s.flow.marginal)) {
    return "--marginal " + name_of(s.flow.marginal, pixel_marginals());
  }
  return {};
}

std::string default_text(const Setting& setting) {
  if (!setting.by_default.empty()) return setting.by_default;
  const nlohmann::json value = setting.get(Settings{});
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace iflow
