// How far the roots that invert a Knothe-Rosenblatt map can be off, proved column by column:
// F_i is increasing in x_i, so a root lies between x_i - r and x_i + r where F_i is surely below
// its value at the one and above it at the other, for all columns before within their own bounds.
//
// Everything is compared by log-odds, ln F - ln(1 - F), of which interval arithmetic keeps both
// tails: with W_k the components' weights given the columns before, F = A / (A + B) for
// A = sum W_k Phi(e_k) and B = sum W_k Phi(-e_k).
#pragma once

#include <cstddef>
#include <vector>

#include "mixture/lane_mixture.h"

namespace iflow {

class RootBound {
 public:
  explicit RootBound(const LaneMixture& mixture);

  // Takes the next column: a bound of the distance between x and the exact root for any image
  // within `error` of z; infinite where nothing is proved, after which no column is to follow.
  double next(double x, double z, double error);

 private:
  // Of one component: ln W_k and what it can be off by; e_k = scale x_i + offset and what the
  // latter can be off by.
  struct Component {
    double log_weight, weight_error;
    double scale, offset, offset_error;
  };
  struct LogOdds {
    double lower, upper;
  };
  // Log-odds that F is surely below on one side of a root, and above on the other.
  struct Wanted {
    double low, high;
  };

  void look_at();
  // What e_k at x can be off by.
  double deviate_error(const Component& c, double x) const;
  // Encloses the log-odds of F at x.
  LogOdds log_odds(double x) const;
  double first_radius(double x, double z, double error, Wanted wanted) const;
  // Whether every root is surely within `radius` of x.
  bool holds(double x, double radius, Wanted wanted) const;
  void pass(double x, double bound);

  const LaneMixture& mixture_;
  std::vector<Component> components_;
  std::vector<double> x_, errors_;  // of the columns before
};

}  // namespace iflow
