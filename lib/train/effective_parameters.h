// The parameters that a flow trains with: the raw ones, where they are normalised scaled by an
// estimate of their spectral norm. (lib/MATHS.md, section 1)
//
// The estimate is a function of the raw matrix and the stored vectors of the power iteration, so
// that a resumed run, which does none, finds the same. With fixed vectors it is linear in a
// convolution's kernel.
#pragma once

#include <vector>

#include "base/aligned.h"
#include "nn/parameters.h"
#include "train/state.h"

namespace iflow {

class EffectiveParameters {
 public:
  // The layout must outlive it.
  explicit EffectiveParameters(const ParameterLayout& layout);

  const float* values() const { return values_.data(); }

  // Of state.raw: with vectors of its own from the seed, which become state.power, and converged
  // estimates; or with the vectors of the state as they are.
  void start(TrainState& state, std::uint64_t seed);
  void resume(TrainState& state);

  // Of one parameter that has changed, after some power iterations. Several threads may normalise
  // different parameters at a time.
  void normalise(std::size_t parameter, TrainState& state, int power_iterations);

  // gradient, of one effective parameter <- that of the raw one, which is still the one normalised
  // last; the vectors are held fixed.
  void pull_back(std::size_t parameter, const TrainState& state, float* gradient) const;

  // Numbers held.
  std::size_t size() const;

 private:
  const ParameterLayout& layout_;
  AlignedVector<float> values_;
  std::vector<float> sigma_;                    // spectral norm estimates, per parameter
  std::vector<std::vector<float>> directions_;  // of convolutions: d sigma / d kernel
};

}  // namespace iflow
