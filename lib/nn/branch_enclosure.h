// Where the value of a dense branch g and its Jacobian J lie, exactly: running error analysis of
// the branch computed in double, element by element, from the numbers that occur at the row.
// (Higham, "Accuracy and Stability of Numerical Algorithms", 3.1 and 3.3)
//
// J is enclosed over all that lies around the row. How far the pre-activations can move there is
// bounded by absolute values, which is loose by orders of magnitude; but it only decides how much
// the slopes of activations can vary, and for an error of 1e-12 that is next to nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/aligned.h"
#include "kernels/channel_activation.h"

namespace iflow {

// a -> W phi(a) + b, the first one perhaps + V c; no phi: the identity.
struct EnclosedStage {
  std::optional<ChannelActivation> activation;
  double activation_parameter = 1;        // where it has one
  std::size_t rows = 0, columns = 0;      // of W, the columns after phi
  AlignedVector<double> weight;           // (rows, columns)
  AlignedVector<double> bias;             // (rows)
  AlignedVector<double> condition = {};   // V (rows, numbers in c)
  AlignedVector<double> magnitudes = {};  // |W|, as the enclosure keeps it
};

// kLanes rows x of n numbers, m of g(x).
struct EnclosedBranch {
  // [m][kLanes]: g(x), how far it is at most from the exact g(x), and from any exact g(x') within
  // the row's radius of x, both at least 0 or not a number.
  AlignedVector<double> value, rounding, reach;
  // [n][m][kLanes]: dg/dx_j, one j after the other, and how far it is at most from the exact
  // derivative at any x' within the radius; where a slope jumps, from any between its limits.
  AlignedVector<double> jacobian, jacobian_radius;
};

class BranchEnclosure {
 public:
  explicit BranchEnclosure(std::vector<EnclosedStage> stages);

  // x: [n][kLanes]  condition: [c][kLanes], null without one, taken as exact  radii: (kLanes), of
  // the Euclidean norm.
  EnclosedBranch operator()(const double* x, const double* condition, const double* radii) const;

 private:
  std::vector<EnclosedStage> stages_;
  std::size_t inputs_;
};

}  // namespace iflow
