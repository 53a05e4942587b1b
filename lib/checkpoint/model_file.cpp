#include "checkpoint/model_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/build_info.h"
#include "base/error.h"
#include "base/json_fields.h"
#include "checkpoint/baselines_json.h"
#include "checkpoint/flow_json.h"
#include "checkpoint/parameter_tensors.h"
#include "checkpoint/tensor_fields.h"
#include "checkpoint/training_json.h"
#include "data/number_text.h"
#include "flow/dequantise.h"
#include "nn/lipschitz.h"
#include "recipes/settings_json.h"

namespace iflow {

namespace {

using nlohmann::json;

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
  const Model model(fit.flow, fit.parameters);
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

json baselines_to_json(const Fit& fit) {
  if (fit.data.image) return {{"pixels", pixels_to_json(fit.pixels)}};
  return {{"gaussian", gaussian_to_json(fit.gaussian)}, {"mixture", mixture_to_json(fit.mixture)}};
}

void baselines_from_json(JsonFields fields, Fit& fit) {
  if (fit.data.image) {
    fit.pixels = pixels_from_json(fields.object("pixels"), fit.data.image->shape.channels,
                                  fit.data.image->bits);
  } else {
    fit.gaussian = gaussian_from_json(fields.object("gaussian"), fit.flow.row_width());
    fit.mixture = mixture_from_json(fields.object("mixture"), fit.flow.row_width());
  }
  fields.finish();
}

json stack_to_json(const StackRecord& stack) {
  json members = json::array();
  for (const StackMember& m : stack.members) {
    members.push_back({{"name", m.name}, {"weight", m.weight}, {"components", m.components}});
  }
  return {{"folds", stack.folds},
          {"held_out", {{"mean", stack.held_out.mean}, {"se", stack.held_out.standard_error}}},
          {"map_gains", stack.map_gains},
          {"members", std::move(members)}};
}

StackRecord stack_from_json(JsonFields fields) {
  StackRecord stack;
  stack.folds = fields.get<std::size_t>("folds");
  JsonFields held_out = fields.object("held_out");
  stack.held_out = {held_out.get<double>("mean"), held_out.get<double>("se")};
  held_out.finish();
  stack.map_gains = fields.get<std::vector<double>>("map_gains");
  for (JsonFields& m : fields.objects("members")) {
    stack.members.push_back(
        {m.get<std::string>("name"), m.get<double>("weight"), m.get<std::size_t>("components")});
    m.finish();
  }
  fields.finish();
  return stack;
}

json provenance_to_json(const Fit& fit) {
  json provenance = {{"options", settings_to_json(fit.settings)}};
  if (fit.undecided) provenance["undecided"] = *fit.undecided;
  return provenance;
}

void provenance_from_json(JsonFields fields, const std::string& directory, Fit& fit) {
  fit.settings = settings_from_json(fields.get<json>("options"), directory);
  if (fields.has("undecided")) {
    fit.undecided = fields.get<std::vector<std::string>>("undecided");
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

// What the first format has otherwise: the training's configuration, which follows from the
// settings, once more; and the part of the rows held out before it was cut to their most.
void read_format_1(JsonFields& fields, Fit& fit) {
  fields.get<json>("training");
  std::optional<double>& part = fit.settings.val_fraction;
  const auto most = static_cast<double>(most_held_out(fit.settings.is_image));
  if (part) part = std::min(*part, most / static_cast<double>(fit.data.rows));
}

Fit fit_from_checkpoint(const Checkpoint& checkpoint, const std::string& directory) {
  JsonFields fields(checkpoint.model, directory + ": model.json", throw_as<CheckpointError>);
  Fit fit;
  const auto version = fields.get<std::uint64_t>("format_version");
  fields.get<std::string>("iflow_version");
  fields.get<json>("blobs");
  fit.flow = flow_from_json(fields.object("flow"));
  fit.data = data_from_json(fields.object("data"));
  fit.lattices = fit.data.image ? unit_lattices(fit.flow.dimension)
                                : lattices_from_json(fields, fit.flow.dimension);
  fit.state = history_from_json(fields.object("history"));
  if (fields.has("stack")) fit.stack = stack_from_json(fields.object("stack"));
  if (fields.has("refit")) fit.refit = refit_history_from_json(fields.object("refit"));
  baselines_from_json(fields.object("baselines"), fit);
  provenance_from_json(fields.object("provenance"), directory, fit);
  if (version == 1) read_format_1(fields, fit);
  const ParameterLayout layout = layout_of(fit.flow, directory);
  fit.lipschitz = lipschitz_from_json(fields.object("lipschitz"), layout);
  fields.finish();
  check_numbers(fit, directory);
  TensorFields weights(checkpoint.blobs.at("weights"), directory + ": weights");
  fit.parameters = take_parameters(weights, "", layout);
  weights.finish();
  return fit;
}

}  // namespace

void save_fit(CheckpointWriter& writer, const Fit& fit) {
  const ParameterLayout layout = build_flow<float>(fit.flow).layout();
  json model = {{"iflow_version", build_info().version}, {"flow", flow_to_json(fit.flow)},
                {"data", data_to_json(fit.data)},        {"history", history_to_json(fit.state)},
                {"lipschitz", lipschitz_to_json(fit)},   {"baselines", baselines_to_json(fit)},
                {"provenance", provenance_to_json(fit)}};
  if (fit.stack) model["stack"] = stack_to_json(*fit.stack);
  if (fit.refit) model["refit"] = refit_history_to_json(*fit.refit);
  if (!fit.lattices.empty() && !fit.data.image) model["lattices"] = lattices_to_json(fit.lattices);
  Tensors weights, training;
  put_parameters(weights, "", layout, fit.parameters);
  put_training(training, "", layout, fit.state);
  if (fit.refit) {
    put_parameters(training, "best.", layout, fit.state.best);
    put_training(training, "refit.", layout, *fit.refit);
  }
  writer.commit(model, {{"weights", std::move(weights)}, {"training", std::move(training)}});
}

Fit load_fit(const std::string& directory) {
  const Checkpoint checkpoint = load_checkpoint(directory, {"weights", "training"});
  Fit fit = fit_from_checkpoint(checkpoint, directory);
  const ParameterLayout layout = layout_of(fit.flow, directory);
  TensorFields training(checkpoint.blobs.at("training"), directory + ": training");
  take_training(training, "", layout, fit.state);
  fit.state.best = fit.refit ? take_parameters(training, "best.", layout) : fit.parameters;
  if (fit.refit) take_training(training, "refit.", layout, *fit.refit);
  training.finish();
  return fit;
}

Fit load_fit_without_training(const std::string& directory) {
  return fit_from_checkpoint(load_checkpoint(directory, {"weights"}), directory);
}

FittedModel load_model(const std::string& directory) {
  Fit fit = load_fit_without_training(directory);
  Model flow = model_of(fit, directory);
  return {std::move(fit), std::move(flow)};
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
    Model model(fit.flow, fit.parameters);
    check_recorded(fit.lipschitz, model, directory);
    return model;
  } catch (const NumericError& error) {
    throw CheckpointError(directory + ": " + error.what());
  }
}

}  // namespace iflow
