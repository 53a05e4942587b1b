// The run of model.json: how far the training has come.
#pragma once

#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "train/config.h"
#include "train/state.h"

namespace iflow {

// The steps, losses and divergences of a training; its numbers are tensors (parameter_tensors.h).
nlohmann::json history_to_json(const TrainState& state);
TrainState history_from_json(JsonFields fields);

// The same for a refit, which is not validated: its last step is its best, with a loss of NaN.
nlohmann::json refit_history_to_json(const TrainState& state);
TrainState refit_history_from_json(JsonFields fields);

}  // namespace iflow
