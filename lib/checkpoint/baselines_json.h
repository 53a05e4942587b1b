// The baselines of model.json: densities that a flow is compared with.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "baselines/gaussian.h"
#include "baselines/mixture.h"
#include "baselines/pixels.h"

namespace iflow {

nlohmann::json gaussian_to_json(const Gaussian& gaussian);
Gaussian gaussian_from_json(JsonFields fields, std::size_t dimension);

nlohmann::json mixture_to_json(const Mixture& mixture);
Mixture mixture_from_json(JsonFields fields, std::size_t dimension);

// `channels`: of the images; `bits`: of a number, whose 2^bits values have a mass each.
nlohmann::json pixels_to_json(const PixelHistogram& pixels);
PixelHistogram pixels_from_json(JsonFields fields, std::size_t channels, int bits);

}  // namespace iflow
