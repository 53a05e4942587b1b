#include "mixture/members.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Kind = Member::Kind;

MemberRows rows_of(std::size_t n) {
  const std::vector<double> numbers = normal_numbers(1, 2 * n);
  MemberRows rows{Eigen::Map<const MatrixXd>(numbers.data(), static_cast<Eigen::Index>(n), 2),
                  VectorXd::Ones(static_cast<Eigen::Index>(n)), MatrixXd(2, 2)};
  rows.factor << 2, 0, 1.2, 1.6;  // deviations 2 and 2, correlation .6
  return rows;
}

TEST_CASE("wide in one column: that variance grows before whitening, nothing else") {
  const MemberRows rows = rows_of(10);
  const MatrixXd covariance = rows.factor * rows.factor.transpose();
  for (const std::size_t column : {0, 1}) {
    const GaussianMixture wide = fit_simple_member({Kind::kWideColumn, 30, column}, rows);
    const std::vector<double> flat = covariance_of(wide.families.front(), 2);
    const MatrixXd back =
        rows.factor * Eigen::Map<const MatrixXd>(flat.data(), 2, 2) * rows.factor.transpose();
    MatrixXd expected = covariance;
    const auto j = static_cast<Eigen::Index>(column);
    expected(j, j) *= 900;
    CHECK((back - expected).norm() < 1e-9 * expected.norm());
  }
}

TEST_CASE("kernels sit on the rows and weigh as they do") {
  MemberRows rows = rows_of(3);
  rows.weights(1) = 2;
  const GaussianMixture kernels = fit_simple_member({Kind::kKernels, 0.5}, rows);
  check(kernels);
  CHECK(kernels.components() == 3);
  CHECK(std::exp(kernels.families.front().log_weights[1]) == doctest::Approx(0.5));
  CHECK(kernels.families.front().means[2] == rows.rows(1, 0));
  CHECK(covariance_of(kernels.families.front(), 2)[0] == doctest::Approx(0.25));
}

TEST_CASE("plans follow from the shape") {
  CHECK(plan_members(3, 2, true).folds == 3);
  CHECK(plan_members(400, 5, true).folds == 5);
  CHECK(plan_members(400, 5, true).priors.size() == 10);
  CHECK(plan_members(1500, 5, true).starts == 1);
  CHECK(plan_members(2500, 5, true).folds == 1);
  CHECK(plan_members(2500, 5, true).held_out == 500);
  CHECK_FALSE(plan_members(2500, 5, true).kernels);
  CHECK_FALSE(plan_members(400, 5, false).kernels);
  CHECK(plan_members(400, 50, true).priors.size() == 2);
  CHECK(plan_members(1000000, 5, true).held_out == 2000);
  for (const Member& member : simple_members(plan_members(400, 5, false), 5)) {
    CHECK(member.kind != Kind::kKernels);
  }
}

TEST_CASE("names tell members apart") {
  const MemberPlan plan = plan_members(400, 3, true);
  std::set<std::string> names;
  std::size_t count = 0;
  for (const Member& member : simple_members(plan, 3)) names.insert(member.name()), ++count;
  for (const CovariancePrior& prior : plan.priors) {
    for (const std::size_t k : plan.component_counts) {
      names.insert(Member{Kind::kMixture, 1, 0, k, prior}.name());
      ++count;
    }
  }
  CHECK(names.size() == count);
}

}  // namespace
}  // namespace iflow
