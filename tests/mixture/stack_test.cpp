#include "mixture/stack.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "mixture/mixture_fixture.h"

namespace iflow {
namespace {

// Two clusters in d columns, the first column skewed.
std::vector<double> table(std::size_t n, std::size_t d, std::uint64_t key = 1) {
  std::vector<double> rows = normal_numbers(key, n * d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 1; j < d; ++j) rows[i * d + j] += (i % 3 == 0 ? 4 : 0);
    rows[i * d] = std::exp(rows[i * d]);
  }
  return rows;
}

// Columns that are independent and lognormal: an entropy of 1.4189 each.
std::vector<double> skewed_table(std::size_t n, std::size_t d, std::uint64_t key = 1) {
  std::vector<double> rows = normal_numbers(key, n * d);
  for (double& v : rows) v = std::exp(v);
  return rows;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TEST_CASE("the held-out figure tells the density of fresh rows") {
  const Stack stack = fit_stack(skewed_table(300, 3), 3);
  check(stack.mixture);
  CHECK(stack.folds == 5);
  const double fresh = mean(log_density(stack, skewed_table(3000, 3, 2)));
  CHECK(std::fabs(fresh - stack.held_out_mean) < 3 * stack.held_out_error);
  // Mixtures of the plain columns are half a nat behind the entropy.
  CHECK(fresh > -3 * 1.4189 - 0.2);
  CHECK(fresh < -3 * 1.4189);
  CHECK(stack.mapped_mean > stack.plain_mean + 0.1);
  REQUIRE(stack.maps.size() == 3);
  CHECK_FALSE(stack.maps[0].identity());
  double weights = 0;
  std::size_t components = 0;
  for (const StackMember& member : stack.members) {
    weights += member.weight;
    components += member.components;
  }
  CHECK(weights == doctest::Approx(1));
  CHECK(components == stack.mixture.components());
  CHECK(mean(stack.honest_log_p) == doctest::Approx(stack.held_out_mean));
  CHECK(mean(stack.held_out_log_p) >= stack.held_out_mean);
}

TEST_CASE("scaling a column shifts the figure by its logarithm") {
  std::vector<double> rows = table(120, 2);
  const Stack before = fit_stack(rows, 2);
  for (std::size_t i = 0; i < rows.size(); i += 2) rows[i] *= 1000;
  const Stack after = fit_stack(rows, 2);
  CHECK(after.held_out_mean ==
        doctest::Approx(before.held_out_mean - std::log(1000.0)).epsilon(1e-6));
}

TEST_CASE("permuting columns changes the figure by less than .05") {
  const std::vector<double> rows = table(300, 3);
  std::vector<double> permuted;
  for (std::size_t i = 0; i < rows.size(); i += 3) {
    permuted.insert(permuted.end(), {rows[i + 2], rows[i], rows[i + 1]});
  }
  CHECK(std::fabs(fit_stack(rows, 3).held_out_mean - fit_stack(permuted, 3).held_out_mean) < 0.05);
}

TEST_CASE("repeating all rows changes nothing; repeating some does not raise the figure") {
  const std::vector<double> rows = table(100, 2);
  std::vector<double> twice = rows, some = rows;
  twice.insert(twice.end(), rows.begin(), rows.end());
  some.insert(some.end(), rows.begin(), rows.begin() + 80);
  const Stack once = fit_stack(rows, 2), again = fit_stack(twice, 2);
  CHECK(again.held_out_mean == doctest::Approx(once.held_out_mean).epsilon(1e-9));
  CHECK(again.held_out_error == doctest::Approx(once.held_out_error).epsilon(1e-9));
  const Stack third = fit_stack(some, 2);
  CHECK(third.held_out_mean < once.held_out_mean + once.held_out_error);
}

TEST_CASE("weights of rows are counts, and rows of weight zero are not there") {
  std::vector<double> rows = table(60, 2);
  const Stack without = fit_stack(rows, 2);
  std::vector<double> weights(60, 3.0);
  rows.insert(rows.end(), {1000, 1000});
  weights.push_back(0);
  const Stack with = fit_stack(rows, 2, weights);
  CHECK(std::isnan(with.held_out_log_p.back()));
  CHECK(std::fabs(with.held_out_mean - without.held_out_mean) < 0.3);
}

TEST_CASE("small and awkward tables") {
  std::size_t n = 20, d = 2;
  SUBCASE("twenty rows") {}
  SUBCASE("fewer rows than columns") { n = 12, d = 15; }
  SUBCASE("five rows") { n = 5; }
  SUBCASE("one column") { n = 100, d = 1; }
  std::vector<double> rows = table(n, d);
  SUBCASE("a column that is constant but for one row") {
    for (std::size_t i = 0; i < n; ++i) rows[i * d + 1] = i == 3 ? 1 : 0;
  }
  const Stack stack = fit_stack(rows, d);
  check(stack.mixture);
  CHECK(std::isfinite(stack.held_out_mean));
  CHECK(std::isfinite(stack.held_out_error));
  for (const double log_p : log_density(stack, rows)) CHECK(std::isfinite(log_p));
  for (const double log_p : stack.held_out_log_p) CHECK(std::isfinite(log_p));
}

TEST_CASE("too few rows that differ are refused") {
  std::vector<double> rows = table(4, 2);
  const std::vector<double> same = rows;
  for (int i = 0; i < 10; ++i) rows.insert(rows.end(), same.begin(), same.end());
  CHECK_THROWS_AS(fit_stack(rows, 2), DataError);
}

TEST_CASE("a single split from 2,000 rows on") {
  const Stack stack = fit_stack(table(2400, 2), 2);
  CHECK(stack.folds == 1);
  const auto is_number = [](double v) { return !std::isnan(v); };
  CHECK(std::count_if(stack.held_out_log_p.begin(), stack.held_out_log_p.end(), is_number) == 500);
  const double fresh = mean(log_density(stack, table(3000, 2, 2)));
  CHECK(std::fabs(fresh - stack.held_out_mean) < 4 * stack.held_out_error);
}

TEST_CASE("one column far out costs what the wide members say") {
  const std::size_t n = 150, d = 3;
  std::vector<double> rows = normal_numbers(4, n * d);
  for (std::size_t i = 0; i < n; ++i) {
    rows[i * d + 1] = rows[i * d] + 0.14 * rows[i * d + 1];  // correlation .99
    rows[i * d + 2] = std::exp(rows[i * d + 2]);
  }
  for (const bool maps : {false, true}) {
    StackOptions options;
    options.maps = maps;
    const Stack stack = fit_stack(rows, d, {}, options);
    const std::vector<double> middle = {0, 0, 1};
    const double before = log_density(stack, middle)[0];
    for (std::size_t j = 0; j < d; ++j) {
      for (const double far : {-100.0, -30.0, -10.0, 10.0, 30.0, 100.0}) {
        std::vector<double> row = middle;
        row[j] += far * stack.moments.deviation[j];
        const double cost = before - log_density(stack, row)[0];
        CHECK(cost <= std::log(n + 2.0) + std::log(3.0 * d) + 10);
      }
    }
  }
}

TEST_CASE("without kernels no member holds rows") {
  StackOptions options;
  options.kernels = false;
  for (const StackMember& member : fit_stack(table(80, 2), 2, {}, options).members) {
    CHECK(member.name.find("kernels") == std::string::npos);
    CHECK(member.components <= 40);
  }
}

TEST_CASE("the same bits for any number of threads") {
  const std::vector<double> rows = table(100, 2);
  const int before = threads();
  set_threads(1);
  const Stack one = fit_stack(rows, 2);
  set_threads(3);
  const Stack three = fit_stack(rows, 2);
  set_threads(before);
  CHECK(one.held_out_log_p == three.held_out_log_p);
  CHECK(log_density(one, rows) == log_density(three, rows));
}

}  // namespace
}  // namespace iflow
