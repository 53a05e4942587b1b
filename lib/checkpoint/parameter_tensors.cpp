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

Tensors training_tensors(const TrainState& state, const ParameterLayout& layout) {
  Tensors tensors;
  put_parameters(tensors, "raw.", layout, state.raw);
  put_parameters(tensors, "average.", layout, state.average);
  put_parameters(tensors, "m.", layout, state.m);
  put_parameters(tensors, "v.", layout, state.v);
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
  state.raw = take_parameters(fields, "raw.", layout);
  state.average = take_parameters(fields, "average.", layout);
  state.m = take_parameters(fields, "m.", layout);
  state.v = take_parameters(fields, "v.", layout);
  state.power.resize(layout.entries().size());
  for (std::size_t i = 0; i < state.power.size(); ++i) {
    if (layout[i].max_norm == 0) continue;
    state.power[i] = {fields.get<float>("power_u." + layout[i].name, {layout[i].outputs()}),
                      fields.get<float>("power_v." + layout[i].name, {layout[i].inputs()})};
  }
  fields.finish();
}

}  // namespace iflow
