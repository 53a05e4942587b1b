// Tensors of random numbers to try kernels on.
#pragma once

#include <cstddef>

#include "base/aligned.h"
#include "base/rng.h"

namespace iflow {

// Whole numbers so small that sums of products are exact in float in whatever order they are
// taken: kernel and reference must agree to the bit.
template <class T>
AlignedVector<T> whole_numbers(Rng& rng, std::size_t n) {
  AlignedVector<T> x(n);
  for (T& xi : x) xi = static_cast<T>(static_cast<int>(rng.below(17)) - 8);
  return x;
}

template <class T>
AlignedVector<T> normal_numbers(Rng& rng, std::size_t n) {
  AlignedVector<T> x(n);
  for (T& xi : x) xi = static_cast<T>(rng.normal());
  return x;
}

}  // namespace iflow
