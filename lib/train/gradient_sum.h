// The sum of the gradients of a batch's slices. Which slices there are depends on the batch alone,
// and they are added in a fixed tree, so the sum has the same bits whoever computed the slices:
// here, the threads of one process.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/aligned.h"

namespace iflow {

class GradientSum {
 public:
  GradientSum(std::size_t slices, std::size_t parameters);

  std::size_t slices() const { return gradients_.size(); }

  // Calls of_slice(slice, gradient) once for every slice, on all threads: it fills gradient
  // (parameters) and returns the slice's loss. Returns the sum of the losses, in the slices' order.
  double fill(const std::function<double(std::size_t slice, float* gradient)>& of_slice);

  // The sum ((0 + 1) + (2 + 3)) + ... over the slices, of the parameters [offset, offset + n): n
  // numbers, the caller's to change. At most once for every parameter after `fill`; several threads
  // may ask for different ones at a time.
  float* total(std::size_t offset, std::size_t n);

 private:
  std::vector<AlignedVector<float>> gradients_;  // one per slice
};

}  // namespace iflow
