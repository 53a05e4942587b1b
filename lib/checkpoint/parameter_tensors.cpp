#include "checkpoint/parameter_tensors.h"

#include <algorithm>
#include <span>

namespace iflow {

namespace {

std::vector<std::size_t> shape_of(const ParameterInfo& info) {
  if (info.columns == 1) return {info.rows};
  return {info.rows, info.columns};
}

}  // namespace

void put_parameters(Tensors& tensors, const std::string& prefix, const ParameterLayout& layout,
                    const std::vector<float>& flat) {
  for (const ParameterInfo& info : layout.entries()) {
    const std::span<const float> values(flat.data() + info.offset, info.size());
    tensors[prefix + info.name] = Tensor::from<float>(values, shape_of(info));
  }
}

std::vector<float> take_parameters(TensorFields& fields, const std::string& prefix,
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

void put_training(Tensors& tensors, const std::string& prefix, const ParameterLayout& layout,
                  const TrainState& state) {
  put_parameters(tensors, prefix + "raw.", layout, state.raw);
  put_parameters(tensors, prefix + "average.", layout, state.average);
  put_parameters(tensors, prefix + "m.", layout, state.m);
  put_parameters(tensors, prefix + "v.", layout, state.v);
  for (std::size_t i = 0; i < state.power.size(); ++i) {
    if (layout[i].max_norm == 0) continue;
    const PowerVectors& power = state.power[i];
    tensors[prefix + "power_u." + layout[i].name] =
        Tensor::from<float>(power.u, {layout[i].outputs()});
    tensors[prefix + "power_v." + layout[i].name] =
        Tensor::from<float>(power.v, {layout[i].inputs()});
  }
}

void take_training(TensorFields& fields, const std::string& prefix, const ParameterLayout& layout,
                   TrainState& state) {
  state.raw = take_parameters(fields, prefix + "raw.", layout);
  state.average = take_parameters(fields, prefix + "average.", layout);
  state.m = take_parameters(fields, prefix + "m.", layout);
  state.v = take_parameters(fields, prefix + "v.", layout);
  state.power.resize(layout.entries().size());
  for (std::size_t i = 0; i < state.power.size(); ++i) {
    if (layout[i].max_norm == 0) continue;
    const std::string& name = layout[i].name;
    state.power[i] = {fields.get<float>(prefix + "power_u." + name, {layout[i].outputs()}),
                      fields.get<float>(prefix + "power_v." + name, {layout[i].inputs()})};
  }
}

}  // namespace iflow
