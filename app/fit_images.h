// The images of a fit: read, split.
#pragma once

#include <string>

#include "fit_data.h"
#include "recipes/settings.h"

namespace iflow {

// As read_fit_data, of images.
FitData read_fit_images(const std::string& path, const std::string& val,
                        const FitSettings& settings);

}  // namespace iflow
