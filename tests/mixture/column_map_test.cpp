#include "mixture/column_map.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

// A skewed column of mean 0 and deviation 1.
std::vector<double> skewed(std::size_t n) {
  std::vector<double> x = normal_numbers(1, n);
  for (double& v : x) v = std::exp(v);
  double mean = 0, square = 0;
  for (const double v : x) mean += v / static_cast<double>(n);
  for (const double v : x) square += (v - mean) * (v - mean) / static_cast<double>(n);
  for (double& v : x) v = (v - mean) / std::sqrt(square);
  return x;
}

double mean_log_density(const ColumnMixture& column, const std::vector<double>& x) {
  const std::vector<double> log_p = log_density(mixture_of(column), x);
  return std::accumulate(log_p.begin(), log_p.end(), 0.0) / static_cast<double>(x.size());
}

TEST_CASE("a skewed column is learned far better than by a Gaussian") {
  const std::vector<double> x = skewed(600), ones(600, 1.0);
  for (const std::size_t components : {3, 6, 14}) {
    const ColumnMixture column = fit_column(x, ones, {components, 0.03});
    check(mixture_of(column));
    CHECK(column.means.size() == components + 1);
    CHECK(mean_log_density(column, x) > -1.42 + 0.2);  // of a Gaussian: -1.4189
  }
}

TEST_CASE("the last Gaussian is broad, of weight 1 / (n + 2)") {
  const ColumnMixture column = fit_column(skewed(98), std::vector<double>(98, 1.0), {4, 0.03});
  CHECK(std::exp(column.log_weights.back()) == doctest::Approx(0.01));
  CHECK(column.means.back() == 0);
  CHECK(column.deviations.back() == 4);
}

TEST_CASE("a row of weight two is two rows") {
  const std::vector<double> x = skewed(50);
  std::vector<double> twice = x, weights(50, 1.0);
  twice.insert(twice.end(), x.begin(), x.begin() + 20);
  std::fill_n(weights.begin(), 20, 2.0);
  const ColumnMixture weighed = fit_column(x, weights, {3, 0.1});
  const ColumnMixture counted = fit_column(twice, std::vector<double>(70, 1.0), {3, 0.1});
  CHECK(mean_log_density(weighed, x) ==
        doctest::Approx(mean_log_density(counted, x)).epsilon(1e-9));
}

TEST_CASE("choose_column: the first one unless another is better beyond a standard error") {
  const std::vector<double> weights(100, 1.0);
  std::vector<bool> all(100, true);
  std::vector<std::vector<double>> log_p(3, std::vector<double>(100, 0.0));
  CHECK(choose_column(log_p, weights, all) == 0);
  for (std::size_t i = 0; i < 100; ++i) {
    log_p[1][i] = 0.05 + (i % 2 ? 1 : -1);  // by half a standard error
    log_p[2][i] = -0.1;
  }
  CHECK(choose_column(log_p, weights, all) == 0);
  for (double& v : log_p[1]) v += 0.1;
  CHECK(choose_column(log_p, weights, all) == 1);
  // Rows that do not count have no say.
  for (std::size_t i = 0; i < 50; ++i) {
    all[i] = false;
    log_p[2][i] = 100;
  }
  CHECK(choose_column(log_p, weights, all) != 2);
}

}  // namespace
}  // namespace iflow
