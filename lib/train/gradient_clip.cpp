#include "train/gradient_clip.h"

#include <cmath>

namespace iflow {

void clip_to_usual(double most, double gathered, const float* v, std::size_t n, float* g) {
  double squares = 0, usual = 0;
  for (std::size_t i = 0; i < n; ++i) {
    squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    usual += static_cast<double>(v[i]);
  }
  const double largest = most * most * usual / gathered;
  if (usual == 0 || squares <= largest) return;
  const auto scale = static_cast<float>(std::sqrt(largest / squares));
  for (std::size_t i = 0; i < n; ++i) g[i] *= scale;
}

}  // namespace iflow
