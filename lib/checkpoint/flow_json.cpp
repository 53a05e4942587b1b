#include "checkpoint/flow_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace iflow {

namespace {

using nlohmann::json;

json image_to_json(const ImageShape& image) {
  return json::array({image.height, image.width, image.channels});
}

// What every residual branch says of itself, in addition to `layer`.
template <class Branch>
json branch_to_json(json layer, const Branch& branch) {
  layer["activation"] = branch.activation;
  layer["activation_start"] = branch.activation_start;
  layer["activation_first"] = branch.activation_first;
  layer["start_gain"] = branch.start_gain;
  layer["coefficient"] = branch.coefficient;
  return layer;
}

template <class Branch>
void branch_from_json(JsonFields& fields, Branch& branch) {
  branch.activation = fields.get<std::string>("activation");
  branch.activation_start = fields.get<double>("activation_start");
  branch.activation_first = fields.get<bool>("activation_first");
  branch.start_gain = fields.get<double>("start_gain");
  branch.coefficient = fields.get<double>("coefficient");
}

// A layer that does the same to every pixel; without channels, to every row of a table.
json channels_to_json(json layer, std::size_t channels) {
  if (channels > 0) layer["channels"] = channels;
  return layer;
}

std::size_t channels_from_json(JsonFields& fields) {
  return fields.get_or<std::size_t>("channels", 0);
}

struct LayerToJson {
  json operator()(const BoundsConfig& c) const {
    json columns = json::array();
    for (const ColumnBounds& b : c.columns) {
      json column = {{"column", b.column}};
      if (b.lower) column["lower"] = *b.lower;
      if (b.upper) column["upper"] = *b.upper;
      if (!(b.lower && b.upper)) column["scale"] = b.scale;
      columns.push_back(std::move(column));
    }
    return {{"kind", "bounds"}, {"alpha", c.alpha}, {"columns", std::move(columns)}};
  }
  json operator()(const StandardiseConfig& c) const {
    return {{"kind", "standardise"}, {"mean", c.mean}, {"deviation", c.deviation}};
  }
  json operator()(const WhitenConfig& c) const {
    return {{"kind", "whiten"}, {"factor", c.factor}};
  }
  json operator()(const ActNormConfig& c) const {
    return channels_to_json({{"kind", "actnorm"}}, c.channels);
  }
  json operator()(const ResidualBlockConfig& c) const {
    return branch_to_json({{"kind", "residual"}, {"hidden", c.branch.hidden}}, c.branch);
  }
  json operator()(const PluConfig& c) const {
    return channels_to_json({{"kind", "plu"}}, c.channels);
  }
  json operator()(const CouplingConfig& c) const {
    json coupling = {{"kind", coupling_names().at(c.kind) + " coupling"},
                     {"hidden", c.hidden},
                     {"activation", c.activation},
                     {"activation_start", c.activation_start},
                     {"from_second", c.from_second}};
    if (c.kind == CouplingKind::kAffine) coupling["log_scale_bound"] = c.log_scale_bound;
    if (c.kind == CouplingKind::kSpline) coupling["bins"] = c.bins, coupling["range"] = c.range;
    if (c.image.size() > 0) {
      coupling["image"] = image_to_json(c.image);
      coupling["sides"] = c.sides;
      coupling["mask"] = name_of(c.mask, channel_masks());
    }
    return coupling;
  }
  json operator()(const MarginalConfig& c) const {
    return {{"kind", "marginal"}, {"margin", c.margin}, {"masses", c.masses}};
  }
  json operator()(const SqueezeConfig& c) const {
    return {{"kind", "squeeze"}, {"image", image_to_json(c.image)}};
  }
  json operator()(const FactorOutConfig& c) const {
    return {{"kind", "factor out"}, {"image", image_to_json(c.image)}};
  }
  json operator()(const ConvolutionalBlockConfig& c) const {
    return branch_to_json({{"kind", "convolutional"},
                           {"image", image_to_json(c.branch.image)},
                           {"filters", c.branch.filters},
                           {"sides", c.branch.sides}},
                          c.branch);
  }
};

BoundsConfig bounds_from_json(JsonFields& fields) {
  BoundsConfig config;
  config.alpha = fields.get<double>("alpha");
  for (JsonFields& column : fields.objects("columns")) {
    ColumnBounds bounds;
    bounds.column = column.get<std::size_t>("column");
    if (column.has("lower")) bounds.lower = column.get<double>("lower");
    if (column.has("upper")) bounds.upper = column.get<double>("upper");
    if (!(bounds.lower && bounds.upper)) bounds.scale = column.get<double>("scale");
    column.finish();
    config.columns.push_back(bounds);
  }
  return config;
}

bool is_side(std::size_t n) { return n > 0 && n <= 4096; }

// [height, width, channels] of images that reach a layer.
ImageShape image_from_json(JsonFields& fields) {
  const auto sizes = fields.get<std::vector<std::size_t>>("image");
  if (sizes.size() != 3 || !std::all_of(sizes.begin(), sizes.end(), is_side)) {
    fields.fail("image", "must be height, width and channels, from 1 to 4096 each");
  }
  return {sizes[0], sizes[1], sizes[2]};
}

CouplingConfig coupling_from_json(CouplingKind kind, JsonFields& fields) {
  CouplingConfig config;
  config.kind = kind;
  config.hidden = fields.get<std::vector<std::size_t>>("hidden");
  config.activation = fields.get<std::string>("activation");
  config.activation_start = fields.get<double>("activation_start");
  config.from_second = fields.get<bool>("from_second");
  if (kind == CouplingKind::kAffine) config.log_scale_bound = fields.get<double>("log_scale_bound");
  if (kind == CouplingKind::kSpline) {
    config.bins = fields.get<std::size_t>("bins");
    config.range = fields.get<double>("range");
  }
  if (fields.has("image")) {
    config.image = image_from_json(fields);
    config.sides = fields.get<std::vector<std::size_t>>("sides");
    config.mask = named_value(fields, "mask", channel_masks());
  }
  return config;
}

ConvolutionalBranchConfig convolutional_from_json(JsonFields& fields) {
  ConvolutionalBranchConfig branch;
  branch.image = image_from_json(fields);
  branch.filters = fields.get<std::vector<std::size_t>>("filters");
  branch.sides = fields.get<std::vector<std::size_t>>("sides");
  branch_from_json(fields, branch);
  return branch;
}

LayerConfig layer_from_json(JsonFields fields, std::size_t dimension, std::size_t condition) {
  const auto kind = fields.get<std::string>("kind");
  for (const auto& [coupling, name] : coupling_names()) {
    if (kind != name + " coupling") continue;
    const CouplingConfig config = coupling_from_json(coupling, fields);
    fields.finish();
    return config;
  }
  LayerConfig config;
  if (kind == "bounds") {
    config = bounds_from_json(fields);
  } else if (kind == "standardise") {
    config = StandardiseConfig{fields.get<std::vector<double>>("mean"),
                               fields.get<std::vector<double>>("deviation")};
  } else if (kind == "whiten") {
    config = WhitenConfig{fields.get<std::vector<double>>("factor")};
  } else if (kind == "actnorm") {
    config = ActNormConfig{channels_from_json(fields)};
  } else if (kind == "residual") {
    DenseBranchConfig branch;
    branch.dimension = dimension;
    branch.condition = condition;
    branch.hidden = fields.get<std::vector<std::size_t>>("hidden");
    branch_from_json(fields, branch);
    config = ResidualBlockConfig{branch};
  } else if (kind == "plu") {
    config = PluConfig{channels_from_json(fields)};
  } else if (kind == "marginal") {
    config = MarginalConfig{fields.get<std::vector<std::vector<double>>>("masses"),
                            fields.get<double>("margin")};
  } else if (kind == "squeeze") {
    config = SqueezeConfig{image_from_json(fields)};
  } else if (kind == "factor out") {
    config = FactorOutConfig{image_from_json(fields)};
  } else if (kind == "convolutional") {
    config = ConvolutionalBlockConfig{convolutional_from_json(fields)};
  } else {
    fields.fail("kind", "unknown kind of layer \"" + kind + "\"");
  }
  fields.finish();
  return config;
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
  for (const LayerConfig& layer : flow.layers) layers.push_back(std::visit(LayerToJson{}, layer));
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
