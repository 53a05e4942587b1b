// What a conditional density p(x | c) is conditional on: numbers c beside each row x, which enter
// the layers standardised. (lib/MATHS.md, section 4)
#pragma once

#include <cstddef>
#include <vector>

#include "autodiff/tape.h"
#include "flow/lanes.h"

namespace iflow {

struct ConditionConfig {
  std::vector<double> mean;
  std::vector<double> deviation;  // > 0

  std::size_t size() const { return mean.size(); }
};

// The condition of rows (n, dimension + config.size()), n > 0, of which it is the last numbers:
// standardised, [groups_for(n)][size][kLanes], as a pass wants it. The numbers are the tape's; null
// for a density without a condition.
template <class T>
const T* load_condition(const ConditionConfig& config, Tape<T>& tape, const T* rows, std::size_t n,
                        std::size_t dimension) {
  const std::size_t c = config.size();
  if (c == 0) return nullptr;
  T* lanes = tape.scratch(c * groups_for(n) * kLanes);
  rows_to_lanes(rows + dimension, n, c, lanes, dimension + c);
  for (std::size_t i = 0; i < c * groups_for(n); ++i) {
    const T mean = static_cast<T>(config.mean[i % c]);
    const T deviation = static_cast<T>(config.deviation[i % c]);
    for (std::size_t l = 0; l < kLanes; ++l) {
      lanes[i * kLanes + l] = (lanes[i * kLanes + l] - mean) / deviation;
    }
  }
  return lanes;
}

}  // namespace iflow
