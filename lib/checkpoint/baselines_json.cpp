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
  const bool positive = std::all_of(mixture.weights.begin(), mixture.weights.end(),
                                    [](double weight) { return weight > 0; });
  if (!positive || mixture.weights.empty() || mixture.weights.size() != mixture.components.size()) {
    fields.fail("weights", "there must be a positive weight for every component");
  }
  constexpr double kRounding = 1e-9;
  const double sum = std::accumulate(mixture.weights.begin(), mixture.weights.end(), 0.0);
  if (std::fabs(sum - 1) > kRounding) fields.fail("weights", "their sum must be 1");
  fields.finish();
  return mixture;
}

json pixels_to_json(const PixelHistogram& pixels) { return {{"masses", pixels.masses}}; }

PixelHistogram pixels_from_json(JsonFields fields, std::size_t channels, int bits) {
  PixelHistogram pixels{fields.get<std::vector<std::vector<double>>>("masses")};
  const auto makes_sense = [&](const std::vector<double>& masses) {
    constexpr double kRounding = 1e-9;
    const double sum = std::accumulate(masses.begin(), masses.end(), 0.0);
    return masses.size() == std::size_t{1} << static_cast<unsigned>(bits) &&
           std::all_of(masses.begin(), masses.end(), [](double mass) { return mass > 0; }) &&
           std::fabs(sum - 1) <= kRounding;
  };
  if (pixels.masses.size() != channels ||
      !std::all_of(pixels.masses.begin(), pixels.masses.end(), makes_sense)) {
    fields.fail("masses", "of every channel there must be 2^bits, which are positive and sum to 1");
  }
  fields.finish();
  return pixels;
}

}  // namespace iflow
