#include "flow/local_inverse.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/determinant.h"

namespace iflow {
namespace {

// I + J for random J of norm l, in every lane.
AlignedVector<double> matrices(std::size_t n, double l) {
  Rng rng(n, RngPurpose::kTest);
  AlignedVector<double> a(n * n * kLanes);
  const auto size = static_cast<Eigen::Index>(n);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    Eigen::MatrixXd j(size, size);
    for (Eigen::Index i = 0; i < j.size(); ++i) j.data()[i] = rng.normal();
    j *= l / Eigen::JacobiSVD<Eigen::MatrixXd>(j).singularValues()(0);
    if (lane % 4 == 0) j = -l * Eigen::MatrixXd::Identity(size, size);  // the worst there is
    for (std::size_t i = 0; i < n * n; ++i) {
      const auto row = static_cast<Eigen::Index>(i / n), column = static_cast<Eigen::Index>(i % n);
      a[i * kLanes + lane] = j(row, column) + (row == column ? 1 : 0);
    }
  }
  return a;
}

TEST_CASE("bounds of inverses are above the true norm, and not far") {
  for (const std::size_t n : {1, 2, 3, 7, 16}) {
    for (const double l : {0.1, 0.9, 0.999}) {
      const AlignedVector<double> a = matrices(n, l);
      AlignedVector<double> scratch = a, b(a.size()), log_det(kLanes);
      kernels::log_det_and_inverse(scratch.data(), n, log_det.data(), b.data());
      const auto bounds = bound_inverses(a.data(), b.data(), n, {});
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const auto size = static_cast<Eigen::Index>(n);
        Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic> wide(size, size);
        for (std::size_t i = 0; i < n * n; ++i) {
          wide(static_cast<Eigen::Index>(i / n), static_cast<Eigen::Index>(i % n)) =
              a[i * kLanes + lane];
        }
        const auto values = Eigen::JacobiSVD<decltype(wide)>(wide).singularValues();
        const double exact = static_cast<double>(1 / values(values.size() - 1));
        INFO("n = ", n, ", l = ", l, ", lane ", lane);
        CHECK(bounds[lane] >= exact);
        CHECK(bounds[lane] <= exact * std::pow(static_cast<double>(n), 1.0 / 32) * (1 + 1e-9));
      }
    }
  }
}

TEST_CASE("bounds of inverses cover every matrix within the error, or are infinite") {
  constexpr std::size_t kN = 2;
  AlignedVector<double> a(kN * kN * kLanes, 0), b(a.size(), 0);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    a[lane] = a[3 * kLanes + lane] = 0.5;
    b[lane] = b[3 * kLanes + lane] = 2;
  }
  std::array<double, kLanes> errors;
  for (std::size_t lane = 0; lane < kLanes; ++lane) errors[lane] = 0.05 * static_cast<double>(lane);
  const auto bounds = bound_inverses(a.data(), b.data(), kN, errors);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    if (lane < 10) {
      CHECK(bounds[lane] >= 1 / (0.5 - errors[lane]));
      const double norm = 2 * std::pow(2, 1.0 / 32);  // as it is bounded
      CHECK(bounds[lane] <= norm / (1 - norm * errors[lane]) * (1 + 1e-9));
    } else {
      CHECK(bounds[lane] == std::numeric_limits<double>::infinity());
    }
  }
  b[0] = std::nan("");
  CHECK(bound_inverses(a.data(), b.data(), kN, {})[0] == std::numeric_limits<double>::infinity());
  b[0] = 7;  // no inverse at all
  CHECK(bound_inverses(a.data(), b.data(), kN, {})[0] == std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace iflow
