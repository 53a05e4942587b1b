#include "model/marginals.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "model/normality.h"

namespace iflow {
namespace {

std::vector<double> sorted_normals(Rng& rng, std::size_t n) {
  std::vector<double> x(n);
  for (double& xi : x) xi = rng.normal();
  std::sort(x.begin(), x.end());
  return x;
}

TEST_CASE("marginal_fit: by hand, ties counting half") {
  const std::vector<double> samples = {1, 2, 3, 4};
  // u = 0, 3/8, 1; F_n jumps to 1/3, 2/3, 1 where F is 0, 1/2, 1.
  const MarginalFit a = marginal_fit({5, 2, 0}, samples);
  CHECK(a.mean == doctest::Approx(11.0 / 24));
  const double m = 11.0 / 24;
  CHECK(a.deviation ==
        doctest::Approx(std::sqrt((m * m + std::pow(0.375 - m, 2) + std::pow(1 - m, 2)) / 2)));
  CHECK(a.ks_distance == doctest::Approx(1.0 / 3));
  CHECK(a.ks_critical == doctest::Approx(ks_critical(12.0 / 7)));
}

TEST_CASE("marginal_fit: the same numbers agree, and those beyond all samples do not at all") {
  const std::vector<double> samples = {1, 2, 2, 3};
  CHECK(marginal_fit(samples, samples).ks_distance == 0);
  CHECK(marginal_fit(samples, samples).mean == doctest::Approx(0.5));
  CHECK(marginal_fit({9, 10}, samples).ks_distance == 1);
  CHECK(std::isnan(marginal_fit({2}, samples).deviation));
}

TEST_CASE("marginal_fit: of one distribution u is uniform; a model too wide has u near a half") {
  Rng rng(2, RngPurpose::kTest);
  const std::vector<double> samples = sorted_normals(rng, kMarginalSamples);
  std::vector<double> x = sorted_normals(rng, 2000);
  const MarginalFit same = marginal_fit(x, samples);
  CHECK(same.mean == doctest::Approx(0.5).epsilon(0.06));
  CHECK(same.deviation == doctest::Approx(std::sqrt(1.0 / 12)).epsilon(0.05));
  CHECK(same.ks_distance < 1.5 * same.ks_critical);
  for (double& xi : x) xi /= 3;
  const MarginalFit wide = marginal_fit(x, samples);
  CHECK(wide.deviation < 0.15);
  CHECK(wide.ks_distance > 2 * wide.ks_critical);
}

}  // namespace
}  // namespace iflow
