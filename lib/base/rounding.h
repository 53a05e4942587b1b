// Margins for rounding in bounds that are proved.
//
// An operation that rounds to nearest gives fl(a op b) = (a op b) (1 + delta), |delta| <= u, where
// nothing underflows. n such factors, or their inverses, multiply to 1 + theta with |theta| <=
// gamma(n) = n u / (1 - n u), n u < 1. So a sum of n products is off by at most gamma(n) times the
// sum of their absolute values, in whatever order it is taken and whether or not products are
// fused. (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, 2002, section 3.1)
//
// A bound is computed too. Sums, products, quotients and roots of numbers that are not negative
// come out at least (1 - u)^k times the exact ones after k operations, so that a factor of
// 1 + 2^-53 (k + 2) makes an upper bound of what is computed, its own product included.
#pragma once

#include <cstddef>
#include <limits>

namespace iflow {

// u: rounding to T is off by at most u of the number.
template <class T>
inline constexpr double kUnitRoundoff = std::numeric_limits<T>::epsilon() / 2.0;

// gamma(n) for the unit roundoff u; infinite where it proves nothing.
constexpr double gamma(std::size_t n, double u = kUnitRoundoff<double>) {
  const double k = static_cast<double>(n) * u;
  return k < 1 ? k / (1 - k) : std::numeric_limits<double>::infinity();
}

// Factors that make an upper bound of one computed in double by at most so many operations.
inline constexpr double kUpAfter6 = 1 + 0x1p-50;
inline constexpr double kUpAfter30 = 1 + 0x1p-48;
inline constexpr double kUpAfter126 = 1 + 0x1p-46;
inline constexpr double kUpAfterThousands = 1 + 1e-12;  // 9,000
inline constexpr double kUpAfterMillions = 1 + 1e-9;    // 9,000,000

// Numbers below the smallest normal one are off by less than this, together.
inline constexpr double kUnderflow = 1e-290;

}  // namespace iflow
