// The beginning of a fit: its record and its rows, before any training.
#pragma once

#include "checkpoint/model_file.h"
#include "fit_arguments.h"
#include "fit_data.h"
#include "recipes/settings.h"
#include "train/training_data.h"

namespace iflow {

// The baseline mixture of the rows to train on; images have none.
Mixture mixture_of(const FitData& data, std::uint64_t seed);

// The settings of a new fit of these data.
FitSettings settings_for(const FitArguments& arguments, const FitData& data);

// The flow that such options make for these data.
FlowConfig flow_of(const FitData& data, const FlowOptions& options);

// A fit with these settings at step 0, its state still empty.
Fit new_fit(const FitData& data, const FitSettings& settings, Mixture mixture);

// The settings as the fit trains by them and as its checkpoint records them.
void set_settings(Fit& fit, const FitSettings& settings);

// The rows that the fit learns from; the data must outlive them. Integers are spread anew for every
// pass over them.
TrainingData training_data(const Fit& fit, const FitData& data);

}  // namespace iflow
