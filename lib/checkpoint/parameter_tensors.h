// The blobs of a checkpoint: a flow's parameters, and the state of their training, as tensors.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_fields.h"
#include "nn/parameters.h"
#include "train/state.h"

namespace iflow {

// Adds every parameter of a flat array as "PREFIXname".
void put_parameters(Tensors& tensors, const std::string& prefix, const ParameterLayout& layout,
                    const std::vector<float>& flat);

// Gathers them again. Throws CheckpointError for a tensor that is missing or of another shape.
std::vector<float> take_parameters(TensorFields& fields, const std::string& prefix,
                                   const ParameterLayout& layout);

// The same for what a resumed training needs beside the best parameters: the current ones, their
// averages and moments, and the vectors of the power iteration.
void put_training(Tensors& tensors, const std::string& prefix, const ParameterLayout& layout,
                  const TrainState& state);
void take_training(TensorFields& fields, const std::string& prefix, const ParameterLayout& layout,
                   TrainState& state);

}  // namespace iflow
