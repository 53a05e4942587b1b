#include "train/effective_parameters.h"

#include <algorithm>
#include <numeric>

#include "nn/convolution_norm.h"

namespace iflow {

EffectiveParameters::EffectiveParameters(const ParameterLayout& layout)
    : layout_(layout),
      values_(layout.size()),
      sigma_(layout.entries().size()),
      directions_(layout.entries().size()) {}

void EffectiveParameters::start(TrainState& state, std::uint64_t seed) {
  constexpr int kConverged = 50;  // power iterations for a first estimate of every norm
  const std::size_t n = layout_.entries().size();
  state.power.assign(n, {});
  directions_.assign(n, {});
  for (std::size_t i = 0; i < n; ++i) {
    if (layout_[i].max_norm > 0) state.power[i] = initial_power_vectors(layout_[i], seed, i);
    normalise(i, state, kConverged);
  }
}

void EffectiveParameters::resume(TrainState& state) {
  directions_.assign(directions_.size(), {});
  for (std::size_t i = 0; i < directions_.size(); ++i) normalise(i, state, 0);
}

void EffectiveParameters::normalise(std::size_t parameter, TrainState& state,
                                    int power_iterations) {
  const ParameterInfo& info = layout_[parameter];
  const float* raw = state.raw.data() + info.offset;
  float* effective = values_.data() + info.offset;
  if (info.max_norm == 0) {
    std::copy_n(raw, info.size(), effective);
    return;
  }
  PowerVectors& vectors = state.power[parameter];
  if (info.convolution) {
    std::vector<float>& direction = directions_[parameter];
    power_iteration(*info.convolution, raw, vectors, power_iterations);
    if (power_iterations > 0 || direction.empty()) {
      direction.resize(info.size());
      convolution_direction(*info.convolution, vectors.u.data(), vectors.v.data(),
                            direction.data());
    }
    sigma_[parameter] = std::inner_product(direction.begin(), direction.end(), raw, 0.0F);
  } else {
    sigma_[parameter] = power_iteration(raw, vectors, power_iterations);
  }
  normalise_matrix(raw, info.size(), sigma_[parameter], static_cast<float>(info.max_norm),
                   effective);
}

void EffectiveParameters::pull_back(std::size_t parameter, const TrainState& state,
                                    float* gradient) const {
  const ParameterInfo& info = layout_[parameter];
  if (info.max_norm == 0) return;
  const float* raw = state.raw.data() + info.offset;
  const auto c = static_cast<float>(info.max_norm);
  if (info.convolution) {
    pull_back_through_norm(raw, directions_[parameter].data(), info.size(), sigma_[parameter], c,
                           gradient);
  } else {
    pull_back_through_norm(raw, state.power[parameter], sigma_[parameter], c, gradient);
  }
}

std::size_t EffectiveParameters::size() const {
  std::size_t numbers = values_.size();
  for (const std::vector<float>& direction : directions_) numbers += direction.size();
  return numbers;
}

}  // namespace iflow
