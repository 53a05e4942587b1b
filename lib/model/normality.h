// How normal a column of numbers is.
#pragma once

#include <vector>

namespace iflow {

// Moments of a column x of n numbers, and how far its distribution is from N(0, 1). NaN where n or
// the spread is too small for the number to mean anything.
struct Normality {
  double mean;
  double deviation;        // standard deviation, with n - 1
  double skewness;         // m3 / m2^(3/2), m_k the central moments
  double excess_kurtosis;  // m4 / m2^2 - 3
  double ks_distance;      // Kolmogorov-Smirnov: sup |F_n - Phi|
};

// x is not empty; its order is lost.
Normality normality(std::vector<double> x);

// What the Kolmogorov-Smirnov distance of n draws from N(0, 1) exceeds with a chance of 5 %.
// (Stephens, "EDF statistics for goodness of fit and some comparisons", JASA 69, 1974, table 1A)
// For two samples of n and m draws, their n is n m / (n + m).
double ks_critical(double n);

}  // namespace iflow
