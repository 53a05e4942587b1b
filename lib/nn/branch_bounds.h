// What is proved of a residual branch g, whatever its linear maps are (dense, convolutions): how
// much its Jacobian can vary, and how far off its computed values and Jacobian are.
//
// A branch is a chain of stages a -> W phi(a) + b, the first ones perhaps without phi; the first
// stage of a conditional one adds V c to its bias, c being the row's condition. Norms are
// Euclidean, those of matrices spectral unless another is named.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/rounding.h"
#include "kernels/activation_bounds.h"

namespace iflow {

struct BranchStage {
  std::optional<ActivationBounds> activation;  // phi; none: the identity
  std::size_t inputs;                          // elements of a
  // Upper bounds, W the linear operator on all of its input:
  double norm;           // ||W||
  double absolute_norm;  // || |W| ||, of the operator of absolute values
  double row_norm;       // the largest Euclidean norm of a row of W
  double bias_norm;      // ||b||
  std::size_t fan_in;    // the most products that an element of W a adds up
  // Of V, where a condition of `condition` numbers c adds V c to the bias.
  std::size_t condition = 0;
  double condition_norm = 0;  // ||V|| and || |V| ||
};

// A bound of || |W| || for the row-major W (rows, columns): the smaller of the Frobenius norm and
// the root of the largest row sum times the largest column sum.
double absolute_norm(const double* w, std::size_t rows, std::size_t columns);

// The largest Euclidean norm of a row of W.
double largest_row_norm(const double* w, std::size_t rows, std::size_t columns);

class BranchBounds {
 public:
  // Nothing is proved.
  BranchBounds() = default;
  // lipschitz: a proved bound of Lip(g).
  BranchBounds(std::vector<BranchStage> stages, double lipschitz);

  double lipschitz() const { return lipschitz_; }
  // An upper bound of the Lipschitz constant of the inverse of x + g(x): 1 / (1 - L), rounded up.
  double block_inverse_lipschitz() const { return 1 / (1 - lipschitz_) * kUpAfter6; }

  // An upper bound of ||J(x) - J(x')|| / ||x - x'||; infinite where a slope jumps.
  double jacobian_lipschitz() const { return jacobian_lipschitz_; }

  // Upper bounds of what rounding does to g and to its Jacobian, evaluated in numbers of unit
  // roundoff u at any x of norm at most `size`, for a condition (as a pass holds it: standardised)
  // of norm at most `condition`.
  struct Rounding {
    double value;     // ||computed g(x) - g(x)||
    double jacobian;  // Frobenius norm of computed J(x) - J(x)
  };
  Rounding rounding(double size, double u, double condition = 0) const;

  // Numbers in the condition; 0: the branch has none.
  std::size_t condition_size() const { return stages_.empty() ? 0 : stages_.front().condition; }

 private:
  std::vector<BranchStage> stages_;
  double lipschitz_ = 1;
  double jacobian_lipschitz_ = 0;
};

}  // namespace iflow
