// Training rows that are made when a step needs them, from the data, which must outlive them.
#pragma once

#include <cstdint>

#include "fit_data.h"
#include "train/training_data.h"

namespace iflow {

// The training rows of a table with integer columns, which get new noise in every pass.
DrawRows noisy_rows(const FlowConfig& flow, const FitData& data, std::uint64_t seed);

// Images, which stay bytes until then: the same.
DrawRows image_rows(const FlowConfig& flow, const FitData& data, std::uint64_t seed);

}  // namespace iflow
