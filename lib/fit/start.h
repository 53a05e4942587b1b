// The beginning of a fit: its settings and its record, before any training.
#pragma once

#include <string>

#include "fit/dataset.h"
#include "recipes/settings.h"

namespace iflow {

// The settings of a new fit of these data, which were read by `read_by` from a file called
// `source`, chosen as `given` says. All that the rows decide is recorded, so that a resumed fit
// does the same whatever the defaults may become.
Settings settings_for(const GivenSettings& given, const Settings& read_by, const Dataset& data,
                      const std::string& source);

// A fit with these settings at step 0, its state still empty.
Fit new_fit(const Dataset& data, const Settings& settings);

// The rows that the fit learns from; the data must outlive them.
TrainingData training_data(const Fit& fit, const Dataset& data);

}  // namespace iflow
