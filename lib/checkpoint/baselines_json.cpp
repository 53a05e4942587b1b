#include "checkpoint/baselines_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace iflow {

using nlohmann::json;

namespace {

bool all_positive(const std::vector<double>& masses) {
  return std::all_of(masses.begin(), masses.end(), [](double mass) { return mass > 0; });
}

bool sum_to_one(const std::vector<double>& masses) {
  constexpr double kRounding = 1e-9;
  return std::fabs(std::accumulate(masses.begin(), masses.end(), 0.0) - 1) <= kRounding;
}

}  // namespace

json gaussian_to_json(const Gaussian& gaussian) {
  return {{"mean", gaussian.mean}, {"covariance", gaussian.covariance}};
}

Gaussian gaussian_from_json(JsonFields fields, std::size_t dimension) {
  Gaussian gaussian{fields.get<std::vector<double>>("mean"),
                    fields.get<std::vector<double>>("covariance")};
  const std::string problem = gaussian_problem(gaussian, dimension);
  if (!problem.empty()) fields.fail("covariance", problem);
  fields.finish();
  return gaussian;
}

json mixture_to_json(const Mixture& mixture) {
  json components = json::array();
  for (const Gaussian& component : mixture.components) {
    components.push_back(gaussian_to_json(component));
  }
  return {{"weights", mixture.weights}, {"components", std::move(components)}};
}

Mixture mixture_from_json(JsonFields fields, std::size_t dimension) {
  Mixture mixture;
  mixture.weights = fields.get<std::vector<double>>("weights");
  for (JsonFields& component : fields.objects("components")) {
    mixture.components.push_back(gaussian_from_json(std::move(component), dimension));
  }
  if (!all_positive(mixture.weights) || mixture.weights.empty() ||
      mixture.weights.size() != mixture.components.size()) {
    fields.fail("weights", "there must be a positive weight for every component");
  }
  if (!sum_to_one(mixture.weights)) fields.fail("weights", "their sum must be 1");
  fields.finish();
  return mixture;
}

json pixels_to_json(const PixelHistogram& pixels) { return {{"masses", pixels.masses}}; }

PixelHistogram pixels_from_json(JsonFields fields, std::size_t channels, int bits) {
  PixelHistogram pixels{fields.get<std::vector<std::vector<double>>>("masses")};
  const auto makes_sense = [&](const std::vector<double>& masses) {
    return masses.size() == std::size_t{1} << static_cast<unsigned>(bits) && all_positive(masses) &&
           sum_to_one(masses);
  };
  if (pixels.masses.size() != channels ||
      !std::all_of(pixels.masses.begin(), pixels.masses.end(), makes_sense)) {
    fields.fail("masses", "of every channel there must be 2^bits, which are positive and sum to 1");
  }
  fields.finish();
  return pixels;
}

}  // namespace iflow
