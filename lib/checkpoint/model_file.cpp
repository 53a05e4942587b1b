#include "checkpoint/model_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "base/build_info.h"
#include "base/error.h"
#include "base/json_fields.h"
#include "checkpoint/tensor_fields.h"
#include "data/number_text.h"
#include "flow/dequantise.h"
#include "nn/lipschitz.h"

namespace iflow {

namespace {

using nlohmann::json;

// --- the flow -------------------------------------------------------------------------------

json image_to_json(const ImageShape& image) {
  return json::array({image.height, image.width, image.channels});
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
    json actnorm = {{"kind", "actnorm"}};
    if (c.channels > 0) actnorm["channels"] = c.channels;
    return actnorm;
  }
  json operator()(const ResidualBlockConfig& c) const {
    return {{"kind", "residual"},
            {"hidden", c.branch.hidden},
            {"activation", c.branch.activation},
            {"activation_start", c.branch.activation_start},
            {"activation_first", c.branch.activation_first},
            {"start_gain", c.branch.start_gain},
            {"coefficient", c.branch.coefficient}};
  }
  json operator()(const PluConfig& c) const {
    json plu = {{"kind", "plu"}};
    if (c.channels > 0) plu["channels"] = c.channels;
    return plu;
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
    return {{"kind", "convolutional"},
            {"image", image_to_json(c.branch.image)},
            {"filters", c.branch.filters},
            {"sides", c.branch.sides},
            {"activation", c.branch.activation},
            {"activation_start", c.branch.activation_start},
            {"activation_first", c.branch.activation_first},
            {"start_gain", c.branch.start_gain},
            {"coefficient", c.branch.coefficient}};
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
  branch.activation = fields.get<std::string>("activation");
  branch.activation_start = fields.get<double>("activation_start");
  branch.activation_first = fields.get<bool>("activation_first");
  branch.start_gain = fields.get<double>("start_gain");
  branch.coefficient = fields.get<double>("coefficient");
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
    config = ActNormConfig{fields.has("channels") ? fields.get<std::size_t>("channels") : 0};
  } else if (kind == "residual") {
    DenseBranchConfig branch;
    branch.dimension = dimension;
    branch.condition = condition;
    branch.hidden = fields.get<std::vector<std::size_t>>("hidden");
    branch.activation = fields.get<std::string>("activation");
    branch.activation_start = fields.get<double>("activation_start");
    branch.activation_first = fields.get<bool>("activation_first");
    branch.start_gain = fields.get<double>("start_gain");
    branch.coefficient = fields.get<double>("coefficient");
    config = ResidualBlockConfig{branch};
  } else if (kind == "plu") {
    config = PluConfig{fields.has("channels") ? fields.get<std::size_t>("channels") : 0};
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

json flow_to_json(const FlowConfig& flow) {
  json layers = json::array();
  for (const LayerConfig& layer : flow.layers) layers.push_back(std::visit(LayerToJson{}, layer));
  json result = {{"dimension", flow.dimension}, {"layers", std::move(layers)}};
  if (flow.condition.size() > 0) {
    result["condition"] = {{"mean", flow.condition.mean}, {"deviation", flow.condition.deviation}};
  }
  return result;
}

ConditionConfig condition_from_json(JsonFields fields) {
  ConditionConfig condition{fields.get<std::vector<double>>("mean"),
                            fields.get<std::vector<double>>("deviation")};
  fields.finish();
  return condition;
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

json lattices_to_json(const std::vector<LatticeColumn>& lattices) {
  json list = json::array();
  for (const LatticeColumn& c : lattices) {
    list.push_back({{"column", c.column}, {"origin", c.origin}, {"step", c.step}});
  }
  return list;
}

// `fields`: those of model.json, in which fits without integer columns have no lattices.
std::vector<LatticeColumn> lattices_from_json(JsonFields& fields, std::size_t dimension) {
  std::vector<LatticeColumn> lattices;
  if (!fields.has("lattices")) return lattices;
  for (JsonFields& c : fields.objects("lattices")) {
    lattices.push_back(
        {c.get<std::size_t>("column"), c.get<double>("origin"), c.get<double>("step")});
    c.finish();
  }
  try {
    Dequantise(lattices, dimension);
  } catch (const UsageError& error) {
    fields.fail("lattices", error.what());
  }
  return lattices;
}

// --- the run --------------------------------------------------------------------------------

json log_det_to_json(const LogDetConfig& c) {
  return {{"method", name_of(c.method, log_det_methods())},
          {"terms", c.terms},
          {"probes", c.probes},
          {"probe", name_of(c.probe, probe_kinds())},
          {"continuation", c.continuation},
          {"gradient", name_of(c.gradient, log_det_gradients())}};
}

LogDetConfig log_det_from_json(JsonFields fields) {
  LogDetConfig c;
  c.method = named_value(fields, "method", log_det_methods());
  c.terms = fields.get<std::size_t>("terms");
  c.probes = fields.get<std::size_t>("probes");
  c.probe = named_value(fields, "probe", probe_kinds());
  c.continuation = fields.get<double>("continuation");
  c.gradient = named_value(fields, "gradient", log_det_gradients());
  if (c.terms == 0) fields.fail("terms", "must be at least 1");
  if (c.probes == 0) fields.fail("probes", "must be at least 1");
  if (!(c.continuation >= 0 && c.continuation < 1)) {
    fields.fail("continuation", "must be at least 0 and below 1");
  }
  fields.finish();
  return c;
}

json train_to_json(const TrainConfig& c) {
  return {{"steps", c.steps},
          {"batch", c.batch},
          {"learning_rate", c.learning_rate},
          {"warmup", c.warmup},
          {"ema", c.ema},
          {"l1", c.l1},
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

json history_to_json(const TrainState& state) {
  json points = json::array();
  for (const HistoryPoint& p : state.history) {
    points.push_back({{"step", p.step},
                      {"training_loss", p.training_loss},
                      {"validation_loss", p.validation_loss}});
  }
  json divergences = json::array();
  for (const Divergence& d : state.divergences) {
    divergences.push_back(
        {{"step", d.step}, {"back_to", d.back_to}, {"learning_rate", d.learning_rate}});
  }
  return {{"step", state.step},           {"rate_factor", state.rate_factor},
          {"best_step", state.best_step}, {"best_loss", state.best_loss},
          {"points", std::move(points)},  {"divergences", std::move(divergences)}};
}

void history_from_json(JsonFields fields, TrainState& state) {
  state.step = fields.get<std::uint64_t>("step");
  state.rate_factor = fields.get<double>("rate_factor");
  state.best_step = fields.get<std::uint64_t>("best_step");
  state.best_loss = fields.get<double>("best_loss");
  for (JsonFields& p : fields.objects("points")) {
    state.history.push_back({p.get<std::uint64_t>("step"), p.get<double>("training_loss"),
                             p.get<double>("validation_loss")});
    p.finish();
  }
  for (JsonFields& d : fields.objects("divergences")) {
    state.divergences.push_back({d.get<std::uint64_t>("step"), d.get<std::uint64_t>("back_to"),
                                 d.get<double>("learning_rate")});
    d.finish();
  }
  fields.finish();
}

json data_to_json(const DataRecord& d) {
  json data = {{"hash", d.hash},
               {"rows", d.rows},
               {"training_rows", d.training_rows},
               {"validation_rows", d.validation_rows}};
  if (d.image) {
    data["image"] = {{"height", d.image->shape.height},
                     {"width", d.image->shape.width},
                     {"channels", d.image->shape.channels},
                     {"bits", d.image->bits}};
  } else {
    data["columns"] = d.columns;
    if (!d.given.empty()) data["given"] = d.given;
    data["header"] = d.has_header;
  }
  return data;
}

ImageRecord image_record_from_json(JsonFields fields) {
  ImageRecord image;
  image.shape.height = fields.get<std::size_t>("height");
  image.shape.width = fields.get<std::size_t>("width");
  image.shape.channels = fields.get<std::size_t>("channels");
  image.bits = fields.get<int>("bits");
  for (const auto& [key, side] :
       {std::pair{"height", image.shape.height}, {"width", image.shape.width}}) {
    if (side == 0 || side > kMaxDimension) fields.fail(key, "must be from 1 to 65536");
  }
  const std::size_t channels = image.shape.channels;
  if (channels != 1 && channels != 3) fields.fail("channels", "must be 1 or 3");
  if (image.bits < 1 || image.bits > 8) fields.fail("bits", "must be from 1 to 8");
  fields.finish();
  return image;
}

DataRecord data_from_json(JsonFields fields) {
  DataRecord d;
  if (fields.has("image")) {
    d.image = image_record_from_json(fields.object("image"));
  } else {
    d.columns = fields.get<std::vector<std::string>>("columns");
    if (fields.has("given")) d.given = fields.get<std::vector<std::string>>("given");
    d.has_header = fields.get<bool>("header");
  }
  d.hash = fields.get<std::string>("hash");
  d.rows = fields.get<std::size_t>("rows");
  d.training_rows = fields.get<std::size_t>("training_rows");
  d.validation_rows = fields.get<std::size_t>("validation_rows");
  fields.finish();
  return d;
}

// The proved bound of every spectrally normalised matrix and of every residual block.
json lipschitz_to_json(const Fit& fit) {
  const Model model(fit.flow, fit.state.best);
  const ParameterLayout& layout = model.flow().layout();
  const std::vector<double> norms = proved_norms(layout, model.values());
  json matrices = json::object();
  for (std::size_t i = 0; i < norms.size(); ++i) {
    if (layout[i].max_norm > 0) matrices[layout[i].name] = norms[i];
  }
  json blocks = json::object();
  for (std::size_t i = 0; i < model.lipschitz_bounds().size(); ++i) {
    const double bound = model.lipschitz_bounds()[i];
    if (bound > 0) blocks["flow." + std::to_string(i)] = bound;
  }
  return {{"matrices", std::move(matrices)}, {"blocks", std::move(blocks)}};
}

LipschitzRecord lipschitz_from_json(JsonFields fields, const ParameterLayout& layout) {
  LipschitzRecord record;
  JsonFields matrices = fields.object("matrices");
  for (const ParameterInfo& info : layout.entries()) {
    if (info.max_norm == 0) continue;
    const auto bound = matrices.get<double>(info.name);
    if (!(bound >= 0 && bound < 1)) matrices.fail(info.name, "must be in [0, 1)");
    record.matrices[info.name] = bound;
  }
  matrices.finish();
  JsonFields blocks = fields.object("blocks");
  for (const std::string& key : blocks.keys()) {
    const auto bound = blocks.get<double>(key);
    if (!(bound > 0 && bound < 1)) blocks.fail(key, "a Lipschitz bound must be in (0, 1)");
    record.blocks[key] = bound;
  }
  fields.finish();
  return record;
}

// --- the baselines --------------------------------------------------------------------------

json gaussian_to_json(const Gaussian& gaussian) {
  return {{"mean", gaussian.mean}, {"covariance", gaussian.covariance}};
}

Gaussian gaussian_from_json(JsonFields fields, std::size_t dimension) {
  Gaussian gaussian{fields.get<std::vector<double>>("mean"),
                    fields.get<std::vector<double>>("covariance")};
  const std::string problem = gaussian_problem(gaussian, dimension);
  if (!problem.empty()) fields.fail("covariance", problem);
  fields.finish();
  return gaussian;
}

json mixture_to_json(const Mixture& mixture) {
  json components = json::array();
  for (const Gaussian& component : mixture.components) {
    components.push_back(gaussian_to_json(component));
  }
  return {{"weights", mixture.weights}, {"components", std::move(components)}};
}

Mixture mixture_from_json(JsonFields fields, std::size_t dimension) {
  Mixture mixture;
  mixture.weights = fields.get<std::vector<double>>("weights");
  for (JsonFields& component : fields.objects("components")) {
    mixture.components.push_back(gaussian_from_json(std::move(component), dimension));
  }
  const bool positive = std::all_of(mixture.weights.begin(), mixture.weights.end(),
                                    [](double weight) { return weight > 0; });
  if (!positive || mixture.weights.empty() || mixture.weights.size() != mixture.components.size()) {
    fields.fail("weights", "there must be a positive weight for every component");
  }
  constexpr double kRounding = 1e-9;
  const double sum = std::accumulate(mixture.weights.begin(), mixture.weights.end(), 0.0);
  if (std::fabs(sum - 1) > kRounding) fields.fail("weights", "their sum must be 1");
  fields.finish();
  return mixture;
}

json pixels_to_json(const PixelHistogram& pixels) { return {{"masses", pixels.masses}}; }

PixelHistogram pixels_from_json(JsonFields fields, const ImageRecord& image) {
  PixelHistogram pixels{fields.get<std::vector<std::vector<double>>>("masses")};
  const auto makes_sense = [&](const std::vector<double>& masses) {
    constexpr double kRounding = 1e-9;
    const double sum = std::accumulate(masses.begin(), masses.end(), 0.0);
    return masses.size() == std::size_t{1} << static_cast<unsigned>(image.bits) &&
           std::all_of(masses.begin(), masses.end(), [](double mass) { return mass > 0; }) &&
           std::fabs(sum - 1) <= kRounding;
  };
  if (pixels.masses.size() != image.shape.channels ||
      !std::all_of(pixels.masses.begin(), pixels.masses.end(), makes_sense)) {
    fields.fail("masses", "of every channel there must be 2^bits, which are positive and sum to 1");
  }
  fields.finish();
  return pixels;
}

json baselines_to_json(const Fit& fit) {
  if (fit.data.image) return {{"pixels", pixels_to_json(fit.pixels)}};
  return {{"gaussian", gaussian_to_json(fit.gaussian)}, {"mixture", mixture_to_json(fit.mixture)}};
}

void baselines_from_json(JsonFields fields, Fit& fit) {
  if (fit.data.image) {
    fit.pixels = pixels_from_json(fields.object("pixels"), *fit.data.image);
  } else {
    fit.gaussian = gaussian_from_json(fields.object("gaussian"), fit.flow.row_width());
    fit.mixture = mixture_from_json(fields.object("mixture"), fit.flow.row_width());
  }
  fields.finish();
}

// --- the blobs ------------------------------------------------------------------------------

std::vector<std::size_t> shape_of(const ParameterInfo& info) {
  if (info.columns == 1) return {info.rows};
  return {info.rows, info.columns};
}

// Adds every parameter of a flat array as "PREFIXname".
void put(Tensors& tensors, const std::string& prefix, const ParameterLayout& layout,
         const std::vector<float>& flat) {
  for (const ParameterInfo& info : layout.entries()) {
    const std::span<const float> values(flat.data() + info.offset, info.size());
    tensors[prefix + info.name] = Tensor::from<float>(values, shape_of(info));
  }
}

std::vector<float> take(TensorFields& fields, const std::string& prefix,
                        const ParameterLayout& layout) {
  // Every tensor's shape is checked against the file before the flat array is made.
  std::vector<std::vector<float>> parts;
  for (const ParameterInfo& info : layout.entries()) {
    parts.push_back(fields.get<float>(prefix + info.name, shape_of(info)));
  }
  std::vector<float> flat(layout.size(), 0);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::copy(parts[i].begin(), parts[i].end(),
              flat.begin() + static_cast<std::ptrdiff_t>(layout[i].offset));
  }
  return flat;
}

Tensors training_tensors(const TrainState& state, const ParameterLayout& layout) {
  Tensors tensors;
  put(tensors, "raw.", layout, state.raw);
  put(tensors, "average.", layout, state.average);
  put(tensors, "m.", layout, state.m);
  put(tensors, "v.", layout, state.v);
  for (std::size_t i = 0; i < state.power.size(); ++i) {
    if (layout[i].max_norm == 0) continue;
    tensors["power_u." + layout[i].name] =
        Tensor::from<float>(state.power[i].u, {layout[i].outputs()});
    tensors["power_v." + layout[i].name] =
        Tensor::from<float>(state.power[i].v, {layout[i].inputs()});
  }
  return tensors;
}

void training_from_tensors(const Tensors& tensors, const std::string& where,
                           const ParameterLayout& layout, TrainState& state) {
  TensorFields fields(tensors, where);
  state.raw = take(fields, "raw.", layout);
  state.average = take(fields, "average.", layout);
  state.m = take(fields, "m.", layout);
  state.v = take(fields, "v.", layout);
  state.power.resize(layout.entries().size());
  for (std::size_t i = 0; i < state.power.size(); ++i) {
    if (layout[i].max_norm == 0) continue;
    state.power[i] = {fields.get<float>("power_u." + layout[i].name, {layout[i].outputs()}),
                      fields.get<float>("power_v." + layout[i].name, {layout[i].inputs()})};
  }
  fields.finish();
}

// The flow's parameter table, any nonsense in its description being the checkpoint's fault.
ParameterLayout layout_of(const FlowConfig& flow, const std::string& directory) {
  try {
    return build_flow<float>(flow).layout();
  } catch (const UsageError& error) {
    throw CheckpointError(directory + ": model.json: " + error.what());
  }
}

// Throws CheckpointError where a row has not as many numbers as the flow takes, or the given
// columns are not some of the columns in their order.
void check_numbers(const Fit& fit, const std::string& directory) {
  const DataRecord& data = fit.data;
  const std::size_t width = data.image ? data.image->shape.size() : data.columns.size();
  const std::size_t modelled = data.image ? width : modelled_columns(data).size();
  if (width != fit.flow.row_width() || modelled != fit.flow.dimension) {
    throw CheckpointError(directory +
                          ": model.json: " + (data.image ? "pixels and flow" : "columns and flow") +
                          " differ in number");
  }
  const std::vector<std::string> row = row_columns(data);
  const auto given = static_cast<std::ptrdiff_t>(fit.flow.condition.size());
  if (!std::equal(row.end() - given, row.end(), data.given.begin(), data.given.end())) {
    throw CheckpointError(directory + ": model.json: data.given: not columns in their order");
  }
}

Fit fit_from_checkpoint(const Checkpoint& checkpoint, const std::string& directory) {
  JsonFields fields(checkpoint.model, directory + ": model.json", throw_as<CheckpointError>);
  Fit fit;
  fields.get<std::uint64_t>("format_version");
  fields.get<std::string>("iflow_version");
  fields.get<json>("blobs");
  fit.flow = flow_from_json(fields.object("flow"));
  fit.train = train_from_json(fields.object("training"));
  fit.data = data_from_json(fields.object("data"));
  fit.lattices = fit.data.image ? unit_lattices(fit.flow.dimension)
                                : lattices_from_json(fields, fit.flow.dimension);
  history_from_json(fields.object("history"), fit.state);
  baselines_from_json(fields.object("baselines"), fit);
  fit.options = fields.object("provenance").get<json>("options");
  const ParameterLayout layout = layout_of(fit.flow, directory);
  fit.lipschitz = lipschitz_from_json(fields.object("lipschitz"), layout);
  fields.finish();
  check_numbers(fit, directory);
  TensorFields weights(checkpoint.blobs.at("weights"), directory + ": weights");
  fit.state.best = take(weights, "", layout);
  weights.finish();
  return fit;
}

}  // namespace

std::vector<std::string> modelled_columns(const DataRecord& data) {
  std::vector<std::string> names;
  for (const std::string& name : data.columns) {
    if (std::find(data.given.begin(), data.given.end(), name) == data.given.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> row_columns(const DataRecord& data) {
  std::vector<std::string> names = modelled_columns(data);
  for (const std::string& name : data.columns) {
    if (std::find(data.given.begin(), data.given.end(), name) != data.given.end()) {
      names.push_back(name);
    }
  }
  return names;
}

void save_fit(CheckpointWriter& writer, const Fit& fit) {
  const ParameterLayout layout = build_flow<float>(fit.flow).layout();
  json model = {
      {"iflow_version", build_info().version}, {"flow", flow_to_json(fit.flow)},
      {"training", train_to_json(fit.train)},  {"data", data_to_json(fit.data)},
      {"history", history_to_json(fit.state)}, {"lipschitz", lipschitz_to_json(fit)},
      {"baselines", baselines_to_json(fit)},   {"provenance", {{"options", fit.options}}}};
  if (!fit.lattices.empty() && !fit.data.image) model["lattices"] = lattices_to_json(fit.lattices);
  Tensors weights;
  put(weights, "", layout, fit.state.best);
  writer.commit(
      model, {{"weights", std::move(weights)}, {"training", training_tensors(fit.state, layout)}});
}

Fit load_fit(const std::string& directory) {
  const Checkpoint checkpoint = load_checkpoint(directory, {"weights", "training"});
  Fit fit = fit_from_checkpoint(checkpoint, directory);
  training_from_tensors(checkpoint.blobs.at("training"), directory + ": training",
                        layout_of(fit.flow, directory), fit.state);
  return fit;
}

Fit load_fit_without_training(const std::string& directory) {
  return fit_from_checkpoint(load_checkpoint(directory, {"weights"}), directory);
}

Model load_model(const std::string& directory) {
  return model_of(load_fit_without_training(directory), directory);
}

bool keeps_bound(double found, double recorded) {
  constexpr double kRecomputation = 1e-12;  // relative
  return found <= recorded * (1 + kRecomputation);
}

namespace {

// Throws CheckpointError where a bound that is recorded under `name` is not one.
void check_recorded(const std::map<std::string, double>& record, const std::string& name,
                    double found, const std::string& directory) {
  const auto recorded = record.find(name);
  if (recorded != record.end() && keeps_bound(found, recorded->second)) return;
  const std::string says = recorded == record.end()
                               ? "no Lipschitz bound is recorded"
                               : "the recorded Lipschitz bound is " +
                                     number_text(recorded->second) + ", but the weights prove " +
                                     number_text(found);
  throw CheckpointError(directory + ": " + name + ": " + says);
}

// Nothing may be promised that the parameters don't keep.
void check_recorded(const LipschitzRecord& record, const Model& model,
                    const std::string& directory) {
  const ParameterLayout& layout = model.flow().layout();
  const std::vector<double> norms = proved_norms(layout, model.values());
  for (std::size_t i = 0; i < norms.size(); ++i) {
    if (layout[i].max_norm > 0) {
      check_recorded(record.matrices, layout[i].name, norms[i], directory);
    }
  }
  const std::vector<double>& bounds = model.lipschitz_bounds();
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (bounds[i] > 0) {
      check_recorded(record.blocks, "flow." + std::to_string(i), bounds[i], directory);
    }
  }
}

}  // namespace

Model model_of(const Fit& fit, const std::string& directory) {
  try {
    Model model(fit.flow, fit.state.best);
    check_recorded(fit.lipschitz, model, directory);
    return model;
  } catch (const NumericError& error) {
    throw CheckpointError(directory + ": " + error.what());
  }
}

}  // namespace iflow
