#include "train/gradient_sum.h"

#include <numeric>

#include "base/parallel.h"

namespace iflow {

GradientSum::GradientSum(std::size_t slices, std::size_t parameters)
    : gradients_(slices, AlignedVector<float>(parameters)) {}

double GradientSum::fill(
    const std::function<double(std::size_t slice, float* gradient)>& of_slice) {
  std::vector<double> losses(slices(), 0);
  parallel_for(slices(), [&](std::size_t slice) {
    losses[slice] = of_slice(slice, gradients_[slice].data());
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

float* GradientSum::total(std::size_t offset, std::size_t n) {
  for (std::size_t stride = 1; stride < slices(); stride *= 2) {
    for (std::size_t b = 0; b + stride < slices(); b += 2 * stride) {
      float* to = gradients_[b].data() + offset;
      const float* from = gradients_[b + stride].data() + offset;
      for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
    }
  }
  return gradients_[0].data() + offset;
}

}  // namespace iflow
