// Groups of rows of any scalar type as layers that compute in double alone see them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/aligned.h"
#include "kernels/simd.h"

namespace iflow {

// n numbers in double.
template <class T>
AlignedVector<double> in_double(const T* values, std::size_t n) {
  return {values, values + n};
}

template <class T>
void add_in_double(const AlignedVector<double>& from, T* to) {
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = static_cast<T>(to[i] + from[i]);
}

template <class T>
void copy_from_double(const AlignedVector<double>& from, T* to) {
  std::transform(from.begin(), from.end(), to, [](double v) { return static_cast<T>(v); });
}

}  // namespace iflow
