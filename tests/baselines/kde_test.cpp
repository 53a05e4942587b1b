#include "baselines/kde.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "base/parallel.h"
#include "base/rng.h"

namespace iflow {
namespace {

std::vector<double> normals(std::uint64_t key, std::size_t n) {
  Rng rng(key, RngPurpose::kTest);
  std::vector<double> x(n);
  for (double& xi : x) xi = rng.normal();
  return x;
}

TEST_CASE("kde: the mean of the kernels, written out") {
  KernelDensity kde;
  kde.moments = {{1, -2}, {2, 0.5}};
  kde.centres = {0, 0, 1, -1, 0.5, 3};
  kde.bandwidth = 0.7;
  const std::vector<double> x = {1.5, -1.9, -4, 2};
  const std::vector<double> log_p = log_density(kde, x);
  for (std::size_t i = 0; i < 2; ++i) {
    double p = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      double kernel = 1.0 / 3;
      for (std::size_t j = 0; j < 2; ++j) {
        const double s = 0.7 * kde.moments.deviation[j];
        const double centre =
            kde.moments.mean[j] + kde.moments.deviation[j] * kde.centres[2 * k + j];
        const double r = (x[2 * i + j] - centre) / s;
        kernel *= std::exp(-0.5 * r * r) / (s * std::sqrt(2 * std::numbers::pi));
      }
      p += kernel;
    }
    CHECK(log_p[i] == doctest::Approx(std::log(p)).epsilon(1e-12));
  }
}

TEST_CASE("kde: integrates to 1 in the data's own units") {
  std::vector<double> rows = normals(1, 300);
  for (double& x : rows) x = 40 + 7 * x * x;
  const KernelDensity kde = fit_kernel_density(rows, 1);
  double mass = 0;
  constexpr double kStep = 0.01;
  for (double at = -50; at < 250; at += 1) {
    std::vector<double> x;
    for (double offset = kStep / 2; offset < 1; offset += kStep) x.push_back(at + offset);
    for (const double log_p : log_density(kde, x)) mass += kStep * std::exp(log_p);
  }
  CHECK(mass == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("kde: the bandwidth has the greatest leave-one-out likelihood of all that are tried") {
  const std::vector<double> rows = normals(2, 2 * 60);
  const KernelDensity chosen = fit_kernel_density(rows, 2);
  double best = -1e300, best_width = 0;
  for (const double h : kde_bandwidths()) {
    double sum = 0;
    for (std::size_t i = 0; i < 60; ++i) {
      KernelDensity others = chosen;
      others.bandwidth = h;
      others.centres.erase(others.centres.begin() + static_cast<long>(2 * i),
                           others.centres.begin() + static_cast<long>(2 * i + 2));
      sum += log_density(others, std::span(rows).subspan(2 * i, 2))[0];
    }
    if (sum > best) {
      best = sum;
      best_width = h;
    }
  }
  CHECK(chosen.bandwidth == best_width);
  CHECK_FALSE(chosen.narrowest_tried);
}

TEST_CASE("kde: near the truth for many rows of a Gaussian, and near Silverman's width") {
  const KernelDensity kde = fit_kernel_density(normals(3, 4000), 1);
  const std::vector<double> x = normals(4, 2000);
  double gap = 0;
  const std::vector<double> log_p = log_density(kde, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    gap += (-0.5 * std::log(2 * std::numbers::pi) - 0.5 * x[i] * x[i] - log_p[i]) / 2000;
  }
  CHECK(std::fabs(gap) < 0.01);
  const double silverman = 1.06 * std::pow(4000, -0.2);
  CHECK(kde.bandwidth > silverman / 2);
  CHECK(kde.bandwidth < silverman * 2);
}

TEST_CASE("kde: numbers on a lattice drive the bandwidth to the end of the grid, and it says so") {
  std::vector<double> rows;
  for (std::size_t i = 0; i < 500; ++i) rows.push_back(static_cast<double>(i % 10));
  CHECK(fit_kernel_density(rows, 1).narrowest_tried);
}

TEST_CASE("kde: far out the density is small, not zero; the same bits for any threads") {
  const std::vector<double> rows = normals(5, 3000);
  const int before = threads();
  set_threads(1);
  const KernelDensity one = fit_kernel_density(rows, 3);
  const std::vector<double> x = {1e3, -1e3, 0};
  const double far = log_density(one, x)[0];
  set_threads(3);
  CHECK(fit_kernel_density(rows, 3).bandwidth == one.bandwidth);
  CHECK(log_density(one, x)[0] == far);
  CHECK(std::isfinite(far));
  CHECK(far < -1e5);
  set_threads(before);
}

}  // namespace
}  // namespace iflow
