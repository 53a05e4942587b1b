#include "mixture/map_em.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Two round clusters at (-3, 0) and (3, 0), one row in four in the second.
MatrixXd clusters(Index n) {
  const std::vector<double> noise = normal_numbers(1, static_cast<std::size_t>(2 * n), 0.5);
  MatrixXd rows(n, 2);
  for (Index i = 0; i < n; ++i) {
    rows(i, 0) = (i % 4 == 0 ? 3 : -3) + noise[static_cast<std::size_t>(2 * i)];
    rows(i, 1) = noise[static_cast<std::size_t>(2 * i + 1)];
  }
  return rows;
}

EmResult fit(const MatrixXd& rows, const VectorXd& weights, const CovariancePrior& prior,
             std::size_t components) {
  const EmRows em(rows, weights);
  return map_em(em, cluster(rows, weights, components, 1, 0), {prior, components, 80});
}

TEST_CASE("one component: the closed form") {
  const MatrixXd rows = clusters(40);
  const VectorXd weights = VectorXd::Ones(40);
  const CovariancePrior prior{CovariancePrior::Target::kIdentity, 6, 0.3};
  const GaussianMixture mixture = fit(rows, weights, prior, 1).mixture;
  const VectorXd mean = rows.colwise().mean();
  const MatrixXd centred = rows.rowwise() - mean.transpose();
  const MatrixXd expected =
      (centred.transpose() * centred + 6 * 0.3 * MatrixXd::Identity(2, 2)) / 46;
  const std::vector<double> covariance = covariance_of(mixture.families.front(), 2);
  for (Index i = 0; i < 4; ++i) {
    CHECK(covariance[static_cast<std::size_t>(i)] ==
          doctest::Approx(expected(i / 2, i % 2)).epsilon(1e-6));
  }
  for (Index j = 0; j < 2; ++j) {
    CHECK(mixture.families.front().means[static_cast<std::size_t>(j)] ==
          doctest::Approx(mean(j)).epsilon(1e-6));
  }
}

TEST_CASE("two clusters are found, with their weights") {
  for (const double strength : {2.0, HUGE_VAL}) {
    const EmResult result = fit(clusters(400), VectorXd::Ones(400),
                                {CovariancePrior::Target::kPooled, strength, 0.1}, 2);
    CHECK(result.mixture.families.size() == (std::isinf(strength) ? 1 : 2));
    check(result.mixture);
    double right = 0;
    for (const GaussianFamily& family : result.mixture.families) {
      for (std::size_t k = 0; k < family.log_weights.size(); ++k) {
        CHECK(std::fabs(std::fabs(family.means[2 * k]) - 3) < 0.2);
        if (family.means[2 * k] > 0) right += std::exp(family.log_weights[k]);
      }
      for (const double v : {covariance_of(family, 2)[0], covariance_of(family, 2)[3]}) {
        CHECK(v > 0.2);
        CHECK(v < 0.32);
      }
    }
    CHECK(right == doctest::Approx(100.5 / 401).epsilon(1e-6));
    // What is reported is the mean over the rows.
    const MatrixXd rows = clusters(400);
    double sum = 0;
    for (Index i = 0; i < 400; ++i) {
      const double row[] = {rows(i, 0), rows(i, 1)};
      sum += plain_log_density(result.mixture, row);
    }
    CHECK(result.log_likelihood == doctest::Approx(sum / 400).epsilon(1e-6));
  }
}

TEST_CASE("a row of weight two is two rows") {
  const MatrixXd rows = clusters(60);
  MatrixXd repeated(90, 2);
  VectorXd weights = VectorXd::Ones(60);
  weights.head(30).setConstant(2);
  repeated << rows, rows.topRows(30);
  const CovariancePrior prior{CovariancePrior::Target::kIdentity, 2, 0.03};
  const std::vector<std::size_t> assignment = cluster(rows, weights, 2, 1, 0);
  std::vector<std::size_t> again = assignment;
  again.insert(again.end(), assignment.begin(), assignment.begin() + 30);
  const EmResult weighed = map_em(EmRows(rows, weights), assignment, {prior, 2, 80});
  const EmResult counted = map_em(EmRows(repeated, VectorXd::Ones(90)), again, {prior, 2, 80});
  CHECK(weighed.log_likelihood == doctest::Approx(counted.log_likelihood).epsilon(1e-12));
}

TEST_CASE("fewer rows than columns") {
  const std::vector<double> numbers = normal_numbers(1, 8 * 12);
  const MatrixXd rows = Eigen::Map<const MatrixXd>(numbers.data(), 8, 12);
  for (const auto target : {CovariancePrior::Target::kPooled, CovariancePrior::Target::kIdentity}) {
    const EmResult result = fit(rows, VectorXd::Ones(8), {target, 2, 0.03}, 2);
    CHECK(std::isfinite(result.log_likelihood));
    check(result.mixture);
  }
}

TEST_CASE("cluster: every row belongs to the nearest of well separated groups") {
  const MatrixXd rows = clusters(100);
  const std::vector<std::size_t> owner = cluster(rows, VectorXd::Ones(100), 2, 1, 0);
  for (std::size_t i = 0; i < 100; ++i) CHECK((owner[i] == owner[0]) == (i % 4 == 0));
}

}  // namespace
}  // namespace iflow
