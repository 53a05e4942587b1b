#include "train/soft_threshold.h"

#include <algorithm>

namespace iflow {

void soft_threshold(float threshold, std::size_t n, float* theta) {
  for (std::size_t i = 0; i < n; ++i) {
    theta[i] -= std::clamp(theta[i], -threshold, threshold);
  }
}

}  // namespace iflow
