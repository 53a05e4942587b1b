#include "nn/lipschitz.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "support/tolerances.h"

namespace iflow {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix random_matrix(std::uint64_t key, Eigen::Index rows, Eigen::Index columns) {
  Rng rng(key, RngPurpose::kTest);
  Matrix w(rows, columns);
  for (Eigen::Index i = 0; i < w.size(); ++i) w.data()[i] = rng.normal();
  return w;
}

// Orthonormal columns, or rows when there are more columns.
Matrix random_orthogonal(std::uint64_t key, Eigen::Index rows, Eigen::Index columns) {
  const Eigen::JacobiSVD<Matrix> svd(random_matrix(key, rows, columns),
                                     Eigen::ComputeThinU | Eigen::ComputeThinV);
  return svd.matrixU() * svd.matrixV().transpose();
}

// All singular values 1 but for rounding errors and `spread`.
Matrix nearly_equal(std::uint64_t key, Eigen::Index n, double spread) {
  Matrix d = Matrix::Identity(n, n);
  for (Eigen::Index i = 0; i < n; ++i) d(i, i) -= spread * static_cast<double>(i);
  return random_orthogonal(key, n, n) * d * random_orthogonal(key + 1, n, n);
}

struct Named {
  std::string name;
  Matrix w;
};

std::vector<Named> adversaries() {
  std::vector<Named> all;
  std::uint64_t key = 100;
  for (const Eigen::Index rows : {1, 2, 3, 8, 33}) {
    for (const Eigen::Index columns : {1, 2, 5, 32, 64}) {
      const std::string shape = std::to_string(rows) + "x" + std::to_string(columns);
      all.push_back({"random " + shape, random_matrix(++key, rows, columns)});
      const Matrix column = random_matrix(++key, rows, 1);
      all.push_back({"rank one " + shape, column * random_matrix(++key, 1, columns)});
      all.push_back({"orthogonal " + shape, random_orthogonal(++key, rows, columns)});
    }
  }
  all.push_back({"nearly equal singular values", nearly_equal(1, 16, 1e-9)});
  all.push_back({"equal but for rounding", nearly_equal(3, 24, 1e-16)});
  for (const double factor : {1e-150, 1e-300, 1e-30, 1e30, 1e150, 1e300}) {
    all.push_back({"times " + std::to_string(std::log10(factor)), factor * random_matrix(7, 6, 9)});
  }
  Matrix mixed = random_matrix(8, 12, 12);
  for (Eigen::Index i = 0; i < 12; ++i) mixed.row(i) *= std::pow(10, 3 * (i - 6));
  all.push_back({"rows of all magnitudes", mixed});
  all.push_back({"all ones", Matrix::Ones(20, 30)});
  Matrix jordan = Matrix::Zero(20, 20);
  for (Eigen::Index i = 0; i + 1 < 20; ++i) jordan(i, i + 1) = 1;
  all.push_back({"nilpotent", jordan});
  return all;
}

// The spectral norm in long double, from below: power iteration from several starts.
long double norm_from_below(const Matrix& w) {
  using Wide = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  const Wide a = w.cast<long double>() / static_cast<long double>(w.cwiseAbs().maxCoeff());
  long double largest = 0;
  Rng rng(9, RngPurpose::kTest);
  for (int start = 0; start < 3; ++start) {
    Eigen::Matrix<long double, Eigen::Dynamic, 1> v(a.cols());
    for (Eigen::Index i = 0; i < v.size(); ++i) v(i) = rng.normal();
    for (int i = 0; i < 300; ++i) {
      v /= v.norm();
      v = a.transpose() * (a * v);
    }
    v /= v.norm();
    largest = std::max(largest, (a * v).norm());
  }
  return largest * static_cast<long double>(w.cwiseAbs().maxCoeff());
}

double proved(const Matrix& w) {
  return proved_spectral_norm(w.data(), static_cast<std::size_t>(w.rows()),
                              static_cast<std::size_t>(w.cols()));
}

TEST_CASE("the proved norm is never below the true one and not 1e-11 above it") {
  for (const Named& named : adversaries()) {
    INFO(named.name);
    const Matrix& w = named.w;
    const double bound = proved(w);
    const double svd = Eigen::JacobiSVD<Matrix>(w / w.cwiseAbs().maxCoeff()).singularValues()(0) *
                       w.cwiseAbs().maxCoeff();
    CHECK(bound >= svd);
    CHECK(static_cast<long double>(bound) >= norm_from_below(w));
    CHECK(bound <= svd * (1 + 1e-11));
  }
}

TEST_CASE("the proved norm of matrices whose norm is known") {
  CHECK(proved(Matrix::Zero(3, 4)) == 0);
  CHECK(proved(Matrix::Constant(1, 1, -2.5)) >= 2.5);
  CHECK(proved(Matrix::Constant(1, 1, -2.5)) <= 2.5 * (1 + 1e-14));
  CHECK(proved(Matrix::Constant(4, 9, 1)) >= 6);
  CHECK(proved(Matrix::Constant(4, 9, 1)) <= 6 * (1 + 1e-12));
}

TEST_CASE("what is not finite has no finite proved norm") {
  for (const double wild : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    for (Eigen::Index at = 0; at < 6; ++at) {
      Matrix w = random_matrix(1, 2, 3);
      w.data()[at] = wild;
      CHECK_FALSE(proved(w) < 1e300);
    }
  }
}

// --- Power iteration, in float.

std::vector<float> to_float(const Matrix& w) {
  std::vector<float> x(static_cast<std::size_t>(w.size()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(w.data()[i]);
  return x;
}

ParameterInfo info_of(const Matrix& w) {
  return {"w", static_cast<std::size_t>(w.rows()), static_cast<std::size_t>(w.cols()), 0, 0.9, {}};
}

double norm_of(const std::vector<float>& x) {
  double sum = 0;
  for (const float xi : x) sum += double{xi} * xi;
  return std::sqrt(sum);
}

TEST_CASE("power iteration approaches the norm from below") {
  for (const Named& named : adversaries()) {
    const Matrix& w = named.w;
    const double largest = w.cwiseAbs().maxCoeff();
    if (largest > 1e18 || largest < 1e-18) continue;  // their squares leave the floats
    INFO(named.name);
    const std::vector<float> x = to_float(w);
    PowerVectors vectors = initial_power_vectors(info_of(w), 1, 0);
    CHECK(norm_of(vectors.u) == doctest::Approx(1).epsilon(1e-6));
    CHECK(norm_of(vectors.v) == doctest::Approx(1).epsilon(1e-6));
    const double bound = proved(w);
    double before = 0;
    for (int i = 0; i < 200; ++i) {
      const double sigma = power_iteration(x.data(), vectors, 1);
      CHECK(sigma <= bound * (1 + 1e-5));
      CHECK(sigma >= before * (1 - 1e-5));
      before = sigma;
    }
    CHECK(before >= 0.9 * bound);
    CHECK(norm_of(vectors.u) == doctest::Approx(1).epsilon(1e-6));
    CHECK(norm_of(vectors.v) == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("no power iteration gives the estimate of the stored vectors, to the bit") {
  const Matrix w = random_matrix(11, 32, 20);
  const std::vector<float> x = to_float(w);
  PowerVectors vectors = initial_power_vectors(info_of(w), 1, 0);
  const float sigma = power_iteration(x.data(), vectors, 3);
  const PowerVectors kept = vectors;
  CHECK(power_iteration(x.data(), vectors, 0) == sigma);
  CHECK(vectors.u == kept.u);
  CHECK(vectors.v == kept.v);
}

TEST_CASE("estimate and gradient have the same bits wherever the matrix stands in memory") {
  for (const auto& shape : {std::pair{32, 20}, {3, 33}, {33, 3}, {1, 7}, {16, 16}}) {
    const int rows = shape.first, columns = shape.second;
    const Matrix w = random_matrix(16, rows, columns);
    const std::vector<float> numbers = to_float(w), direction = to_float(-w.cwiseAbs());
    float sigma = 0;
    std::vector<float> gradient, u;
    for (std::size_t shift = 0; shift < 16; ++shift) {
      AlignedVector<float> x(numbers.size() + shift), g(numbers.size() + shift);
      std::copy(numbers.begin(), numbers.end(), x.begin() + static_cast<std::ptrdiff_t>(shift));
      std::copy(direction.begin(), direction.end(), g.begin() + static_cast<std::ptrdiff_t>(shift));
      PowerVectors vectors = initial_power_vectors(info_of(w), 1, 0);
      const float s = power_iteration(x.data() + shift, vectors, 3);
      pull_back_through_norm(x.data() + shift, vectors, s, 0.9F, g.data() + shift);
      const std::vector<float> pulled(g.begin() + static_cast<std::ptrdiff_t>(shift), g.end());
      if (shift == 0) {
        sigma = s;
        gradient = pulled;
        u = vectors.u;
      }
      INFO(rows, " x ", columns, ", shifted by ", shift);
      CHECK(s == sigma);
      CHECK(vectors.u == u);
      CHECK(pulled == gradient);
    }
  }
}

TEST_CASE("power iteration knows numbers whose squares are too large") {
  const std::vector<float> x = {3e30F, 0, 0, 4e30F};
  PowerVectors vectors = initial_power_vectors({"w", 2, 2, 0, 0.9, {}}, 1, 0);
  CHECK(power_iteration(x.data(), vectors, 50) == doctest::Approx(4e30));
}

TEST_CASE("power iteration leaves its vectors for a matrix of zeros") {
  const std::vector<float> x(12, 0);
  PowerVectors vectors = initial_power_vectors({"w", 3, 4, 0, 0.9, {}}, 1, 0);
  const PowerVectors kept = vectors;
  CHECK(power_iteration(x.data(), vectors, 5) == 0);
  CHECK(vectors.u == kept.u);
  CHECK(vectors.v == kept.v);
}

TEST_CASE("initial vectors are keyed by seed and index") {
  const ParameterInfo info{"w", 5, 7, 0, 0.9, {}};
  const std::vector<float> u = initial_power_vectors(info, 1, 2).u;
  CHECK(u == initial_power_vectors(info, 1, 2).u);
  CHECK(u != initial_power_vectors(info, 2, 2).u);
  CHECK(u != initial_power_vectors(info, 1, 3).u);
}

TEST_CASE("normalise_matrix shrinks to the coefficient and never blows up") {
  const std::vector<float> w = {3, -4};
  std::vector<float> effective(2);
  normalise_matrix(w.data(), 2, 5, 0.5F, effective.data());
  CHECK(effective[0] == doctest::Approx(0.3));
  CHECK(effective[1] == doctest::Approx(-0.4));
  normalise_matrix(w.data(), 2, 0.4F, 0.5F, effective.data());
  CHECK(effective == w);
  normalise_matrix(w.data(), 2, 0, 0.5F, effective.data());
  CHECK(effective == w);
}

TEST_CASE("pull_back_through_norm is the gradient of the normalised matrix, u and v held fixed") {
  for (const double size : {0.1, 2.0, 50.0}) {
    const Matrix w = size * random_matrix(12, 4, 6);
    const Matrix direction = random_matrix(13, 4, 6);  // dLoss/dW_eff
    const std::vector<float> x = to_float(w);
    PowerVectors vectors = initial_power_vectors(info_of(w), 1, 0);
    const float sigma = power_iteration(x.data(), vectors, 2);
    constexpr double kC = 0.9;

    // Loss = <direction, W min(1, c / u^T W v)> in double.
    Matrix wide = Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>>(x.data(), 4, 6)
                      .cast<double>();
    const Eigen::VectorXd u = Eigen::Map<const Eigen::VectorXf>(vectors.u.data(), 4).cast<double>();
    const Eigen::VectorXd v = Eigen::Map<const Eigen::VectorXf>(vectors.v.data(), 6).cast<double>();
    const auto loss = [&] {
      const double s = u.dot(wide * v);
      return direction.cwiseProduct(wide).sum() * std::min(1.0, kC / s);
    };
    std::vector<float> gradient = to_float(direction);
    pull_back_through_norm(x.data(), vectors, sigma, static_cast<float>(kC), gradient.data());
    for (Eigen::Index i = 0; i < wide.size(); ++i) {
      const double at = wide.data()[i], h = 1e-4 * size;
      wide.data()[i] = at + h;
      const double above = loss();
      wide.data()[i] = at - h;
      const double slope = (above - loss()) / (2 * h);
      wide.data()[i] = at;
      INFO("size ", size, ", element ", i);
      CHECK(Tolerance{1e-4, 1e-5}.holds(gradient[static_cast<std::size_t>(i)], slope));
    }
  }
}

TEST_CASE(
    "scale_to_proved_bound brings every norm to its coefficient at most, and leaves the rest") {
  ParameterLayout layout;
  std::vector<Matrix> matrices;
  for (const auto& [name, w] : adversaries()) {
    const double largest = w.cwiseAbs().maxCoeff();
    if (largest > 1e35 || largest < 1e-35) continue;
    matrices.push_back(w);
    layout.add(name, static_cast<std::size_t>(w.rows()), static_cast<std::size_t>(w.cols()), 0.97);
  }
  const std::size_t small = layout.add("small", 2, 2, 0.97);
  matrices.push_back(0.1 * random_matrix(14, 2, 2));
  const std::size_t zeros = layout.add("zeros", 2, 3, 0.97);
  matrices.push_back(Matrix::Zero(2, 3));
  const std::size_t free = layout.add("free", 3, 3, 0);
  matrices.push_back(random_matrix(15, 3, 3) * 100);

  std::vector<float> values(layout.size());
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const std::vector<float> x = to_float(matrices[i]);
    std::copy(x.begin(), x.end(), values.begin() + static_cast<std::ptrdiff_t>(layout[i].offset));
  }
  const std::vector<float> before = values;
  scale_to_proved_bound(layout, values);
  const std::vector<double> wide(values.begin(), values.end());
  const std::vector<double> norms = proved_norms(layout, wide);
  const std::vector<double> norms_before =
      proved_norms(layout, std::vector<double>(before.begin(), before.end()));
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    INFO(layout[i].name);
    CHECK(norms[i] <= layout[i].max_norm);
    if (norms_before[i] > layout[i].max_norm) CHECK(norms[i] > layout[i].max_norm * (1 - 1e-5));
  }
  for (const std::size_t i : {small, zeros, free}) {
    const auto first = static_cast<std::ptrdiff_t>(layout[i].offset);
    const auto last = first + static_cast<std::ptrdiff_t>(layout[i].size());
    CHECK(std::equal(values.begin() + first, values.begin() + last, before.begin() + first));
  }
  CHECK(norms[free] == 0);
  // Nothing is left to do the second time.
  std::vector<float> again = values;
  scale_to_proved_bound(layout, again);
  CHECK(again == values);
}

}  // namespace
}  // namespace iflow
