// The run of model.json: how the flow is trained, and how far the training has come.
#pragma once

#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "train/trainer.h"

namespace iflow {

nlohmann::json train_to_json(const TrainConfig& config);
TrainConfig train_from_json(JsonFields fields);

// The steps, losses and divergences of `state`; its numbers are tensors (parameter_tensors.h).
nlohmann::json history_to_json(const TrainState& state);
void history_from_json(JsonFields fields, TrainState& state);

}  // namespace iflow
