// iflow eval of a model of images.
#pragma once

#include <string>

#include "checkpoint/model_file.h"
#include "model/density.h"
#include "model/fitted_model.h"
#include "row_input.h"

namespace iflow {

// Reads the images, evaluates them and prints the result.
void evaluate_images(const RowInput& input, const std::string& checkpoint, const FittedModel& model,
                     const DensityOptions& options, bool json);
// The fields of its JSON, for --help.
extern const char* const kImageEvaluationFields;

}  // namespace iflow
