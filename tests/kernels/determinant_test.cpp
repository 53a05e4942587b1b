#include "kernels/determinant.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/simd.h"
#include "support/tolerances.h"

namespace iflow::kernels {
namespace {

// I + J with ||J|| = norm.
Eigen::MatrixXd identity_plus(Rng& rng, Eigen::Index n, double norm) {
  Eigen::MatrixXd j(n, n);
  for (Eigen::Index i = 0; i < j.size(); ++i) j.data()[i] = rng.normal();
  j *= norm / j.jacobiSvd().singularValues()(0);
  return Eigen::MatrixXd::Identity(n, n) + j;
}

// One matrix per lane.
template <class T>
AlignedVector<T> to_lanes(const std::vector<Eigen::MatrixXd>& matrices) {
  const auto n = static_cast<std::size_t>(matrices[0].rows());
  AlignedVector<T> lanes(n * n * kLanes);
  for (std::size_t i = 0; i < n * n; ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const Eigen::MatrixXd& a = matrices[l % matrices.size()];
      lanes[i * kLanes + l] =
          static_cast<T>(a(static_cast<Eigen::Index>(i / n), static_cast<Eigen::Index>(i % n)));
    }
  }
  return lanes;
}

TEST_CASE_TEMPLATE("log-determinants and inverses agree with a pivoted factorisation", T, float,
                   double) {
  Rng rng(1, RngPurpose::kTest);
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (std::size_t n = 1; n <= 20; ++n) {
    const auto size = static_cast<Eigen::Index>(n);
    std::vector<Eigen::MatrixXd> matrices;
    for (std::size_t l = 0; l < kLanes; ++l) {
      // Rounded to T first: the kernel sees the same matrix.
      const double norm = l == 0 ? 0.99 : rng.uniform();
      matrices.push_back(identity_plus(rng, size, norm).cast<T>().template cast<double>());
    }
    const AlignedVector<T> lanes = to_lanes<T>(matrices);
    AlignedVector<T> a = lanes, inverse(lanes.size()), log_det(kLanes), alone(kLanes);
    log_det_and_inverse(a.data(), n, log_det.data(), inverse.data());
    a = lanes;
    log_det_and_inverse<T>(a.data(), n, alone.data(), nullptr);
    CHECK((alone == log_det));
    for (std::size_t l = 0; l < kLanes; ++l) {
      const Eigen::PartialPivLU<Eigen::MatrixXd> lu(matrices[l]);
      const Eigen::MatrixXd expected = lu.inverse();
      const double condition = matrices[l].norm() * expected.norm();
      const Tolerance tolerance{0, 20 * epsilon * condition};
      INFO("n = ", n, ", lane ", l);
      CHECK(tolerance.holds(log_det[l], std::log(lu.determinant())));
      double worst = 0;
      for (std::size_t i = 0; i < n * n; ++i) {
        const double exact =
            expected(static_cast<Eigen::Index>(i / n), static_cast<Eigen::Index>(i % n));
        worst = std::fmax(worst, std::fabs(inverse[i * kLanes + l] - exact));
      }
      CHECK(worst <= 20 * epsilon * condition * expected.norm());
    }
  }
}

TEST_CASE_TEMPLATE("the identity has a log-determinant of exactly 0", T, float, double) {
  for (std::size_t n = 1; n <= 6; ++n) {
    const auto size = static_cast<Eigen::Index>(n);
    AlignedVector<T> a = to_lanes<T>({Eigen::MatrixXd::Identity(size, size)}), log_det(kLanes);
    log_det_and_inverse<T>(a.data(), n, log_det.data(), nullptr);
    CHECK(log_det[0] == 0);
  }
}

TEST_CASE_TEMPLATE("a determinant or pivot that is not positive gives no number, in its lane only",
                   T, float, double) {
  for (std::size_t n = 1; n <= 8; ++n) {
    const auto size = static_cast<Eigen::Index>(n);
    const Eigen::MatrixXd good = 2 * Eigen::MatrixXd::Identity(size, size);
    for (Eigen::Index bad = 0; bad < size; ++bad) {
      for (const double pivot : {0.0, -1.0, std::nan("")}) {
        Eigen::MatrixXd wrong = good;
        wrong(bad, bad) = pivot;
        std::vector<Eigen::MatrixXd> matrices(kLanes, good);
        matrices[5] = wrong;
        AlignedVector<T> a = to_lanes<T>(matrices), log_det(kLanes);
        log_det_and_inverse<T>(a.data(), n, log_det.data(), nullptr);
        for (std::size_t l = 0; l < kLanes; ++l) {
          INFO("n = ", n, ", pivot ", bad, " = ", pivot, ", lane ", l);
          if (l == 5) {
            CHECK(std::isnan(log_det[l]));
          } else {
            CHECK(log_det[l] ==
                  doctest::Approx(static_cast<double>(n) * std::log(2)).epsilon(1e-6));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace iflow::kernels
