#include "mixture/stacking.h"

#include <doctest/doctest.h>

#include <cmath>

namespace iflow {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

const std::vector<StackRole> kOrdinary(2, StackRole::kOrdinary);

// Rows of two kinds that one candidate each knows.
MatrixXd two_kinds(Index n, Index of_first) {
  MatrixXd log_p = MatrixXd::Constant(n, 2, -3);
  for (Index i = 0; i < n; ++i) log_p(i, i < of_first ? 0 : 1) = 0;
  return log_p;
}

TEST_CASE("weights maximise the mean log-density") {
  const MatrixXd log_p = two_kinds(40, 30);
  const VectorXd rows = VectorXd::Ones(40);
  const VectorXd w = stacking_weights(log_p, rows, kOrdinary, {});
  CHECK(w.sum() == doctest::Approx(1));
  // the optimum without the row of prior: w + e (1 - w) and w e + 1 - w with 3 to 1, e = exp(-3)
  const double e = std::exp(-3.0), expected = 0.75 + (0.75 - 0.25) * e / (1 - e);
  CHECK(w(0) == doctest::Approx(expected).epsilon(0.02));
  const double best = stacked_log_density(log_p, w).mean();
  for (const double other : {0.6, 0.9}) {
    CHECK(stacked_log_density(log_p, VectorXd{{other, 1 - other}}).mean() < best);
  }
}

TEST_CASE("rows count by their weight") {
  VectorXd rows = VectorXd::Ones(20);
  rows.head(10).setConstant(3);
  const VectorXd weighed = stacking_weights(two_kinds(20, 10), rows, kOrdinary, {});
  const VectorXd counted = stacking_weights(two_kinds(40, 30), VectorXd::Ones(40), kOrdinary, {});
  CHECK(weighed(0) == doctest::Approx(counted(0)).epsilon(1e-12));
}

TEST_CASE("what is light goes, wide ones stay with their share, kernels are few") {
  const Index n = 200;
  MatrixXd log_p(n, 6);
  for (Index i = 0; i < n; ++i) {
    for (Index m = 0; m < 6; ++m) log_p(i, m) = (i + m) % 3 == 0 && m < 4 ? 0 : -2;
  }
  log_p.rightCols(2).setConstant(-30);
  const std::vector<StackRole> roles = {StackRole::kKernels,  StackRole::kKernels,
                                        StackRole::kKernels,  StackRole::kOrdinary,
                                        StackRole::kOrdinary, StackRole::kWide};
  const VectorXd w = stacking_weights(log_p, VectorXd::Ones(n), roles, {2, 0.02});
  CHECK((w.head(3).array() > 0).count() == 2);
  CHECK(w(3) > 0);
  CHECK(w(4) == 0);
  CHECK(w(5) >= 0.02 / 1.03);
  CHECK(w.sum() == doctest::Approx(1));
}

}  // namespace
}  // namespace iflow
