// What a step does with the gradient: it is pulled back through the normalisation and clipped, Adam
// moves the raw parameters, the penalty shrinks them, and their average and what is in effect
// follow. A function of the state and the gradient alone.
#pragma once

#include <vector>

#include "nn/parameters.h"
#include "train/config.h"
#include "train/effective_parameters.h"
#include "train/gradient_sum.h"
#include "train/state.h"

namespace iflow {

class ParameterUpdate {
 public:
  // The layout must outlive it.
  ParameterUpdate(const ParameterLayout& layout, const TrainConfig& config);

  // Step state.step + 1: moves raw, average, m, v, power and the effective parameters; the rest of
  // the state, the number of steps done included, stays. Returns false, the state being of no more
  // use, when a gradient or its square is not finite.
  bool apply(GradientSum& gradient, TrainState& state, EffectiveParameters& effective) const;

 private:
  bool move(std::size_t parameter, const AdamStep& adam, float shrinkage, float* gradient,
            TrainState& state, const EffectiveParameters& effective) const;

  const ParameterLayout& layout_;
  TrainConfig config_;
  std::vector<std::size_t> pieces_;  // parameters are updated in runs [pieces_[i], pieces_[i + 1])
};

}  // namespace iflow
