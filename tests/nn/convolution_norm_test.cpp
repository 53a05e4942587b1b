#include "nn/convolution_norm.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "nn/lipschitz.h"
#include "nn/orthogonal.h"

namespace iflow {
namespace {

using kernels::ConvolutionShape;

template <class T>
std::vector<T> random_numbers(std::uint64_t key, std::size_t n) {
  Rng rng(key, RngPurpose::kTest);
  std::vector<T> x(n);
  for (T& xi : x) xi = static_cast<T>(rng.normal());
  return x;
}

const std::vector<ConvolutionShape>& shapes() {
  static const std::vector<ConvolutionShape> list = {
      {5, 4, 2, 3, 3}, {4, 6, 3, 2, 3}, {1, 1, 2, 2, 3}, {6, 1, 1, 4, 3}, {5, 5, 2, 1, 5}};
  return list;
}

// The operator as a matrix, column by column.
Eigen::MatrixXd matrix_of(const ConvolutionShape& s, const std::vector<double>& kernel) {
  const ConvolutionOperator<double> a(s, kernel.data());
  Eigen::MatrixXd m(a.outputs(), a.inputs());
  for (std::size_t j = 0; j < a.inputs(); ++j) {
    Eigen::VectorXd e =
        Eigen::VectorXd::Unit(static_cast<Eigen::Index>(a.inputs()), static_cast<Eigen::Index>(j));
    Eigen::VectorXd y(a.outputs());
    a.apply(e.data(), y.data());
    m.col(static_cast<Eigen::Index>(j)) = y;
  }
  return m;
}

TEST_CASE("convolution norm: the operator is what convolve does to images") {
  for (const ConvolutionShape& s : shapes()) {
    const auto kernel = random_numbers<double>(1, s.outputs * s.columns());
    const ConvolutionOperator<double> a(s, kernel.data());
    const auto image = random_numbers<double>(2, a.inputs());
    std::vector<double> y(a.outputs());
    a.apply(image.data(), y.data());
    alignas(64) static double x[200 * kLanes], expected[200 * kLanes];
    for (std::size_t i = 0; i < a.inputs(); ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) x[i * kLanes + l] = image[i];
    }
    kernels::convolve<double>(s, kernel.data(), nullptr, 0, x, expected, 1);
    for (std::size_t i = 0; i < y.size(); ++i) {
      CHECK(y[i] == doctest::Approx(expected[i * kLanes]).epsilon(1e-12));
    }
  }
}

TEST_CASE("convolution norm: apply_transposed is the adjoint of apply") {
  for (const ConvolutionShape& s : shapes()) {
    const auto kernel = random_numbers<double>(3, s.outputs * s.columns());
    const ConvolutionOperator<double> a(s, kernel.data());
    const auto x = random_numbers<double>(4, a.inputs()),
               y = random_numbers<double>(5, a.outputs());
    std::vector<double> ax(a.outputs()), aty(a.inputs());
    a.apply(x.data(), ax.data());
    a.apply_transposed(y.data(), aty.data());
    double left = 0, right = 0;
    for (std::size_t i = 0; i < y.size(); ++i) left += y[i] * ax[i];
    for (std::size_t i = 0; i < x.size(); ++i) right += x[i] * aty[i];
    CHECK(left == doctest::Approx(right).epsilon(1e-12));
  }
}

TEST_CASE("convolution norm: proved bounds lie above the largest singular value, and close") {
  for (const ConvolutionShape& s : shapes()) {
    const auto kernel = random_numbers<double>(6, s.outputs * s.columns());
    const double norm = Eigen::BDCSVD<Eigen::MatrixXd>(matrix_of(s, kernel)).singularValues()(0);
    const double proved = proved_convolution_norm(s, kernel.data());
    CHECK(proved >= norm);
    CHECK(proved <= norm * 1.001);
    CHECK(symbol_bound(s, kernel.data()) >= norm);
  }
}

// Of kernels like these, some in 4,000 are such that Eigen's solver gives up on their tridiagonal
// matrix; which, depends on the machine.
TEST_CASE("convolution norm: close for every one of a thousand kernels") {
  const ConvolutionShape s{2, 2, 8, 24, 3};
  for (std::uint64_t key = 0; key < 1000; ++key) {
    Rng rng(key, RngPurpose::kTest);
    const Eigen::MatrixXd w = random_orthogonal(rng, 24, 72);
    std::vector<double> kernel;
    for (Eigen::Index i = 0; i < w.size(); ++i) {
      kernel.push_back(w(i / w.cols(), i % w.cols()) + 0.3 * rng.normal());
    }
    const Eigen::MatrixXd a = matrix_of(s, kernel);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> gram(a.transpose() * a,
                                                              Eigen::EigenvaluesOnly);
    const double norm = std::sqrt(gram.eigenvalues().maxCoeff());
    const double proved = proved_convolution_norm(s, kernel.data());
    REQUIRE(proved >= norm * (1 - 1e-12));
    REQUIRE(proved <= norm * 1.001);
  }
}

TEST_CASE("convolution norm: the symbol bound is close for large images") {
  const ConvolutionShape s{20, 20, 2, 2, 3};
  const auto kernel = random_numbers<double>(7, s.outputs * s.columns());
  const double gram = proved_convolution_norm(s, kernel.data());
  const double symbol = symbol_bound(s, kernel.data());
  CHECK(symbol >= gram);
  CHECK(symbol <= gram * 1.05);
  // beyond the size up to which a Gram matrix is factorised
  const ConvolutionShape large{64, 64, 8, 8, 3};
  const auto many = random_numbers<double>(10, large.outputs * large.columns());
  CHECK(proved_convolution_norm(large, many.data()) ==
        doctest::Approx(symbol_bound(large, many.data())).epsilon(1e-12));
}

TEST_CASE("convolution norm: scales, zero and what is not finite") {
  const ConvolutionShape s{5, 5, 2, 3, 3};
  auto kernel = random_numbers<double>(8, s.outputs * s.columns());
  const double norm = proved_convolution_norm(s, kernel.data());
  for (double& w : kernel) w *= 1e-200;
  CHECK(proved_convolution_norm(s, kernel.data()) == doctest::Approx(norm * 1e-200));
  for (double& w : kernel) w = 0;
  CHECK(proved_convolution_norm(s, kernel.data()) == 0);
  kernel[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isinf(proved_convolution_norm(s, kernel.data())));
}

TEST_CASE("convolution norm: power iteration approaches it from below along its direction") {
  const ConvolutionShape s{6, 5, 2, 3, 3};
  ParameterLayout layout;
  layout.add("w", s, 0.9);
  const auto kernel = random_numbers<float>(9, s.outputs * s.columns());
  std::vector<double> wide(kernel.begin(), kernel.end());
  const double norm = Eigen::BDCSVD<Eigen::MatrixXd>(matrix_of(s, wide)).singularValues()(0);
  PowerVectors vectors = initial_power_vectors(layout[0], 1, 0);
  std::vector<float> direction(kernel.size());
  double before = 0;
  for (const int iterations : {1, 4, 100}) {
    power_iteration(s, kernel.data(), vectors, iterations);
    convolution_direction(s, vectors.u.data(), vectors.v.data(), direction.data());
    double sigma = 0;
    for (std::size_t i = 0; i < kernel.size(); ++i) sigma += direction[i] * kernel[i];
    CHECK(sigma <= norm * (1 + 1e-5));
    CHECK(sigma >= before);
    before = sigma;
  }
  CHECK(before == doctest::Approx(norm).epsilon(1e-3));
}

}  // namespace
}  // namespace iflow
