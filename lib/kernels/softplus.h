// softplus(x) = ln(1 + e^x): how a positive parameter is stored as an unbounded one.
#pragma once

#include <cmath>

namespace iflow::kernels {

// (Above 0 log1p would be slower, and no more exact once x is added.)
template <class T>
T softplus(T x) {
  return x > 0 ? x + std::log(1 + std::exp(-x)) : std::log1p(std::exp(x));
}

template <class T>
T softplus_derivative(T x) {
  return 1 / (1 + std::exp(-x));
}

// The x with softplus(x) = y, for y > 0.
template <class T>
T inverse_softplus(T y) {
  return y + std::log(-std::expm1(-y));
}

}  // namespace iflow::kernels
