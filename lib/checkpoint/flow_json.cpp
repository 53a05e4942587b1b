#include "checkpoint/flow_json.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace iflow {

namespace {

using nlohmann::json;

// Whether V's numbers have names of their own. (flow/layer_config.h)
template <class V>
concept HasFields = requires(int f, V v) {
  V::fields(f, v);
};

// Writes the fields of a layer's configuration.
class FieldWriter {
 public:
  explicit FieldWriter(json& object) : object_(object) {}

  static bool has(const char* /*name*/, bool present) { return present; }
  static void of_flow(std::size_t /*dimension*/, std::size_t /*condition*/) {}
  template <class V>
  void operator()(const char* name, const V& value) {
    object_[name] = value;
  }
  void operator()(const char* name, const std::optional<double>& value) { object_[name] = *value; }
  void operator()(const char* name, const ImageShape& image) {
    object_[name] = json::array({image.height, image.width, image.channels});
  }
  template <HasFields V>
  void operator()(const char* name, const std::vector<V>& values) {
    json& all = object_[name] = json::array();
    for (const V& value : values) {
      FieldWriter writer(all.emplace_back(json::object()));
      V::fields(writer, value);
    }
  }
  template <class V>
  void choice(const char* name, V value, const std::map<std::string, V>& names) {
    object_[name] = name_of(value, names);
  }

 private:
  json& object_;
};

json layer_to_json(const LayerConfig& layer) {
  json object = {{"kind", kind_of(layer)}};
  FieldWriter writer(object);
  std::visit([&](const auto& config) { config.fields(writer, config); }, layer);
  return object;
}

bool is_side(std::size_t n) { return n > 0 && n <= 4096; }

// Reads them.
class FieldReader {
 public:
  FieldReader(JsonFields& fields, std::size_t dimension, std::size_t condition)
      : fields_(fields), dimension_(dimension), condition_(condition) {}

  bool has(const char* name, bool /*present*/) { return fields_.has(name); }
  void of_flow(std::size_t& dimension, std::size_t& condition) const {
    dimension = dimension_;
    condition = condition_;
  }
  template <class V>
  void operator()(const char* name, V& value) {
    value = fields_.get<V>(name);
  }
  void operator()(const char* name, std::optional<double>& value) {
    value = fields_.get<double>(name);
  }
  // [height, width, channels] of images that reach a layer.
  void operator()(const char* name, ImageShape& image) {
    const auto sizes = fields_.get<std::vector<std::size_t>>(name);
    if (sizes.size() != 3 || !std::all_of(sizes.begin(), sizes.end(), is_side)) {
      fields_.fail(name, "must be height, width and channels, from 1 to 4096 each");
    }
    image = {sizes[0], sizes[1], sizes[2]};
  }
  template <HasFields V>
  void operator()(const char* name, std::vector<V>& values) {
    for (JsonFields& fields : fields_.objects(name)) {
      FieldReader reader(fields, dimension_, condition_);
      V::fields(reader, values.emplace_back());
      fields.finish();
    }
  }
  template <class V>
  void choice(const char* name, V& value, const std::map<std::string, V>& names) {
    value = named_value(fields_, name, names);
  }

 private:
  JsonFields& fields_;
  std::size_t dimension_, condition_;
};

LayerConfig layer_from_json(JsonFields fields, std::size_t dimension, std::size_t condition) {
  const auto kind = fields.get<std::string>("kind");
  for (LayerConfig& layer : every_kind()) {
    if (kind_of(layer) != kind) continue;
    FieldReader reader(fields, dimension, condition);
    std::visit([&](auto& config) { config.fields(reader, config); }, layer);
    fields.finish();
    return layer;
  }
  fields.fail("kind", "unknown kind of layer \"" + kind + "\"");
}

ConditionConfig condition_from_json(JsonFields fields) {
  ConditionConfig condition{fields.get<std::vector<double>>("mean"),
                            fields.get<std::vector<double>>("deviation")};
  fields.finish();
  return condition;
}

}  // namespace

json flow_to_json(const FlowConfig& flow) {
  json layers = json::array();
  for (const LayerConfig& layer : flow.layers) layers.push_back(layer_to_json(layer));
  json result = {{"dimension", flow.dimension}, {"layers", std::move(layers)}};
  if (flow.condition.size() > 0) {
    result["condition"] = {{"mean", flow.condition.mean}, {"deviation", flow.condition.deviation}};
  }
  return result;
}

FlowConfig flow_from_json(JsonFields fields) {
  FlowConfig flow;
  flow.dimension = fields.get<std::size_t>("dimension");
  if (flow.dimension == 0 || flow.dimension > kMaxDimension) {
    fields.fail("dimension", "must be from 1 to 65536");
  }
  if (fields.has("condition")) flow.condition = condition_from_json(fields.object("condition"));
  for (JsonFields& layer : fields.objects("layers")) {
    flow.layers.push_back(layer_from_json(std::move(layer), flow.dimension, flow.condition.size()));
  }
  fields.finish();
  return flow;
}

}  // namespace iflow
