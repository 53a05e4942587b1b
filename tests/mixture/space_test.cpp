#include "mixture/space.h"

#include <doctest/doctest.h>

#include <cmath>

#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// The first column skewed, the second correlated with its logarithm, the third by itself.
StackRows example(Index n) {
  StackRows data{MatrixXd(n, 3), VectorXd::Ones(n), std::vector<TrainingSet>(4)};
  const std::vector<double> noise = normal_numbers(2, static_cast<std::size_t>(3 * n));
  for (Index i = 0; i < n; ++i) {
    const double* e = noise.data() + 3 * i;
    data.rows.row(i) << 5 * std::exp(e[0]), 2 + e[0] + 0.3 * e[1], 100 * e[2];
    for (Index s = 0; s < 4; ++s) {
      TrainingSet& set = data.sets[static_cast<std::size_t>(s)];
      (i % 4 == s ? set.held : set.train).push_back(i);
    }
  }
  return data;
}

TEST_CASE("rows are white, and log_det is that of differences") {
  const StackRows data = example(300);
  for (const bool maps : {false, true}) {
    const std::vector<Space> spaces = learn_spaces(data, maps, 4000);
    REQUIRE(spaces.size() == 5);
    const Space& space = spaces.back();
    CHECK(space.mapped() == maps);
    CHECK(space.rows.colwise().mean().norm() < 1e-9);
    const MatrixXd covariance = space.rows.transpose() * space.rows / 300;
    CHECK((covariance - MatrixXd::Identity(3, 3)).norm() < 0.05 + space.shrinkage * 10);

    // y of a row by hand, and of its neighbours
    const auto image = [&](VectorXd x) {
      for (Index j = 0; j < 3; ++j) {
        const auto column = static_cast<std::size_t>(j);
        x(j) = (x(j) - space.moments.mean[column]) / space.moments.deviation[column];
        if (!maps || space.maps[column].identity()) continue;
        double slope = 0;
        const double from = x(j);
        map_column(space.maps[column], &from, 1, &x(j), &slope);
      }
      return VectorXd(space.factor.triangularView<Eigen::Lower>().solve(x - space.centre));
    };
    for (Index i = 0; i < 10; ++i) {
      const VectorXd x = data.rows.row(i).transpose();
      CHECK((image(x) - space.rows.row(i).transpose()).norm() < 1e-9);
      MatrixXd jacobian(3, 3);
      for (Index j = 0; j < 3; ++j) {
        const double step = 1e-5 * space.moments.deviation[static_cast<std::size_t>(j)];
        VectorXd low = x, high = x;
        low(j) -= step;
        high(j) += step;
        jacobian.col(j) = (image(high) - image(low)) / (2 * step);
      }
      CHECK(space.log_det(i) == doctest::Approx(std::log(jacobian.determinant())).epsilon(1e-6));
    }
  }
}

TEST_CASE("only the skewed column is mapped") {
  const Space space = learn_spaces(example(300), true, 4000).back();
  CHECK_FALSE(space.maps[0].identity());
  CHECK(space.gains[0] > 0.2);
  CHECK(space.maps[2].identity());
  CHECK(space.gains[2] == 0);
}

TEST_CASE("a fold's space is not chosen by its own rows") {
  StackRows data = example(200);
  const std::vector<Space> before = learn_spaces(data, true, 4000);
  // Rows that the first set holds out have no part in its own space.
  for (const Index i : data.sets[0].held) data.rows(i, 2) *= 0.001;
  const std::vector<Space> after = learn_spaces(data, true, 4000);
  CHECK(after[0].moments.deviation == before[0].moments.deviation);
  CHECK(after[0].maps[2].means == before[0].maps[2].means);
  CHECK(after[1].moments.deviation[2] != before[1].moments.deviation[2]);
}

TEST_CASE("a column that is constant in one fold's rows keeps a finite scale") {
  StackRows data = example(100);
  data.rows.col(2).setConstant(7);
  for (const Index i : data.sets[1].held) data.rows(i, 2) = 8;
  for (const Space& space : learn_spaces(data, true, 4000)) {
    CHECK(space.rows.allFinite());
    CHECK(space.log_det.allFinite());
  }
}

}  // namespace
}  // namespace iflow
