#include "nn/branch_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/rounding.h"

namespace iflow {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double identity_or(const std::optional<ActivationBounds>& phi) { return phi ? phi->lipschitz : 1; }

// J(x) is a product of the W and of diagonal matrices phi'(z). Between x and x' the diagonal before
// W_k changes by at most slope_lipschitz ||z - z'||_inf, the other factors' norms are known.
double vary(const std::vector<BranchStage>& stages) {
  double sum = 0;
  double before = 1;   // Lip of z, what the stage's phi acts on, and the norm of its Jacobian
  double element = 1;  // Lip of each element of z
  for (std::size_t k = 0; k < stages.size(); ++k) {
    if (stages[k].activation) {
      double after = stages[k].norm;  // the norm of dg / d phi(z)
      for (std::size_t j = k + 1; j < stages.size(); ++j) {
        after *= identity_or(stages[j].activation) * stages[j].norm;
      }
      const double rest = after * element * before;
      if (rest > 0) sum += stages[k].activation->slope_lipschitz * rest;
    }
    const double phi = identity_or(stages[k].activation);
    element = stages[k].row_norm * phi * before;
    before *= phi * stages[k].norm;
  }
  return sum * kUpAfterMillions;
}

}  // namespace

double absolute_norm(const double* w, std::size_t rows, std::size_t columns) {
  double squares = 0, largest_row = 0;
  std::vector<double> column_sums(columns, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    double row = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      const double a = std::fabs(w[i * columns + j]);
      squares += a * a;
      row += a;
      column_sums[j] += a;
    }
    largest_row = std::max(largest_row, row);
  }
  const double largest_column = *std::max_element(column_sums.begin(), column_sums.end());
  return std::sqrt(std::min(squares, largest_row * largest_column)) * kUpAfterMillions;
}

double largest_row_norm(const double* w, std::size_t rows, std::size_t columns) {
  double largest = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double squares = 0;
    for (std::size_t j = 0; j < columns; ++j) squares += w[i * columns + j] * w[i * columns + j];
    largest = std::max(largest, squares);
  }
  return std::sqrt(largest) * kUpAfterMillions;
}

BranchBounds::BranchBounds(std::vector<BranchStage> stages, double lipschitz)
    : stages_(std::move(stages)), lipschitz_(lipschitz), jacobian_lipschitz_(vary(stages_)) {}

// Running error analysis: what a stage's input is off by goes through the stage's Lipschitz
// constant, and the stage adds its own.
BranchBounds::Rounding BranchBounds::rounding(double size, double u, double condition) const {
  double a = size, error = 0;  // of the exact input of a stage, and of the computed one
  // The same of its derivative by x, in the Frobenius norm relative to that of the identity.
  double tangent = 1, tangent_error = 0;
  double jumps = 0;  // infinite once a slope that jumps has been met
  for (const BranchStage& stage : stages_) {
    if (stage.activation) {
      const ActivationBounds& phi = *stage.activation;
      const double root = std::sqrt(static_cast<double>(stage.inputs)), computed = a + error;
      const bool smooth = phi.slope_lipschitz < kInfinity;
      if (!smooth) jumps = kInfinity;
      const double slope_error = (smooth ? phi.slope_lipschitz * error : 0) +
                                 u * (phi.slope_rounding + phi.slope_rounding_by_size * computed);
      const double slope = phi.lipschitz + slope_error;
      tangent_error =
          slope * tangent_error + slope_error * tangent + 4 * u * slope * (tangent + tangent_error);
      tangent *= phi.lipschitz;
      error = phi.lipschitz * error + u * (phi.rounding * root + phi.rounding_by_size * computed);
      a = std::min(phi.largest * root, phi.at_zero * root + phi.lipschitz * a);
    }
    const double g = gamma(stage.fan_in + stage.condition + 1, u);  // products and a bias
    const double bias = stage.bias_norm + stage.condition_norm * condition;
    tangent_error =
        stage.norm * tangent_error + g * stage.absolute_norm * (tangent + tangent_error);
    tangent *= stage.norm;
    error = stage.norm * error + g * (bias + stage.absolute_norm * (a + error));
    a = stage.norm * a + bias;
  }
  const double identity = std::sqrt(static_cast<double>(stages_.front().inputs));
  return {error * kUpAfterMillions + kUnderflow,
          tangent_error * identity * kUpAfterMillions + kUnderflow + jumps};
}

}  // namespace iflow
