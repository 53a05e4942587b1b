// Fits as checkpoints: the fields of model.json are this file's and those of the *_json.h, the
// layout on disk is store_layout.h's.
#pragma once

#include <string>

#include "checkpoint/store_reader.h"
#include "checkpoint/store_writer.h"
#include "model/fit_record.h"
#include "model/fitted_model.h"

namespace iflow {

// Writes `fit` as the directory's new content.
void save_fit(CheckpointWriter& writer, const Fit& fit);

// Everything, to resume from. Throws CheckpointError.
Fit load_fit(const std::string& directory);

// The part of a checkpoint that evaluation needs. `state` and `refit` hold their histories only.
// Throws CheckpointError.
Fit load_fit_without_training(const std::string& directory);

// The model of a checkpoint. Throws CheckpointError, also when the parameters don't keep the flow
// invertible.
FittedModel load_model(const std::string& directory);
Model model_of(const Fit& fit, const std::string& directory);

}  // namespace iflow
