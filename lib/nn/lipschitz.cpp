#include "nn/lipschitz.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "base/rng.h"
#include "base/rounding.h"
#include "nn/convolution_norm.h"

namespace iflow {

namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<const RowMajor>;
using ConstVectorMap = Eigen::Map<const Eigen::VectorXf>;

std::vector<float> random_unit_vector(Rng& rng, std::size_t n) {
  std::vector<float> x(n);
  double squares = 0;
  for (float& xi : x) {
    xi = static_cast<float>(rng.normal());
    squares += double{xi} * xi;
  }
  for (float& xi : x) xi = static_cast<float>(xi / std::sqrt(squares));
  return x;
}

// x <- x / ||x||, unless x is zero; returns whether it was not.
template <class Vector>
bool normalise(Vector& x) {
  float norm = x.norm();
  if (std::isinf(norm)) {  // numbers beyond 1e19, whose squares overflow
    x /= x.cwiseAbs().maxCoeff();
    norm = x.norm();
  }
  if (norm > 0) x /= norm;
  return norm > 0;
}

}  // namespace

PowerVectors initial_power_vectors(const ParameterInfo& info, std::uint64_t seed,
                                   std::size_t index) {
  Rng rng(seed, RngPurpose::kPower, index);
  std::vector<float> u = random_unit_vector(rng, info.outputs());
  return {std::move(u), random_unit_vector(rng, info.inputs())};
}

// Works on vectors of its own: the order in which Eigen adds up a mapped one depends on its
// address.
float power_iteration(const float* w, PowerVectors& vectors, int iterations) {
  const auto rows = static_cast<Eigen::Index>(vectors.u.size());
  const auto columns = static_cast<Eigen::Index>(vectors.v.size());
  const MatrixMap matrix(w, rows, columns);
  Eigen::VectorXf u = ConstVectorMap(vectors.u.data(), rows);
  Eigen::VectorXf v = ConstVectorMap(vectors.v.data(), columns);
  Eigen::VectorXf image(rows);
  if (iterations == 0) image.noalias() = matrix * v;
  for (int i = 0; i < iterations; ++i) {
    v.noalias() = matrix.transpose() * u;
    if (!normalise(v)) return 0;
    image.noalias() = matrix * v;
    u = image;
    if (!normalise(u)) return 0;
  }
  std::copy_n(u.data(), rows, vectors.u.data());
  std::copy_n(v.data(), columns, vectors.v.data());
  return u.dot(image);
}

void power_iteration(const kernels::ConvolutionShape& shape, const float* kernel,
                     PowerVectors& vectors, int iterations) {
  const ConvolutionOperator<float> a(shape, kernel);
  Eigen::VectorXf u = ConstVectorMap(vectors.u.data(), static_cast<Eigen::Index>(a.outputs()));
  Eigen::VectorXf v(static_cast<Eigen::Index>(a.inputs()));
  for (int i = 0; i < iterations; ++i) {
    a.apply_transposed(u.data(), v.data());
    if (!normalise(v)) return;
    a.apply(v.data(), u.data());
    if (!normalise(u)) return;
    std::copy_n(u.data(), u.size(), vectors.u.data());
    std::copy_n(v.data(), v.size(), vectors.v.data());
  }
}

void normalise_matrix(const float* w, std::size_t size, float sigma, float c, float* effective) {
  const float scale = sigma > c ? c / sigma : 1.0F;
  for (std::size_t i = 0; i < size; ++i) effective[i] = w[i] * scale;
}

void pull_back_through_norm(const float* w, const PowerVectors& vectors, float sigma, float c,
                            float* gradient) {
  if (!(sigma > c)) return;
  const auto rows = static_cast<Eigen::Index>(vectors.u.size());
  const auto columns = static_cast<Eigen::Index>(vectors.v.size());
  const float scale = c / sigma;
  const MatrixMap matrix(w, rows, columns);
  Eigen::Map<RowMajor> d(gradient, rows, columns);
  const float along = (d.cwiseProduct(matrix)).sum() * scale / sigma;
  const ConstVectorMap u(vectors.u.data(), rows);
  const ConstVectorMap v(vectors.v.data(), columns);
  d = scale * d - (along * u) * v.transpose();
}

// Plain loops: the order in which Eigen adds up a mapped array depends on its address.
void pull_back_through_norm(const float* w, const float* direction, std::size_t size, float sigma,
                            float c, float* gradient) {
  if (!(sigma > c)) return;
  const float scale = c / sigma;
  float product = 0;
  for (std::size_t i = 0; i < size; ++i) product += gradient[i] * w[i];
  const float along = product * scale / sigma;
  for (std::size_t i = 0; i < size; ++i) gradient[i] = scale * gradient[i] - along * direction[i];
}

double proved_spectral_norm(const double* w, std::size_t rows, std::size_t columns) {
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> a(
      w, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
  // Scaled to entries of at most 1 so that the Gram matrix can't over- or underflow.
  const double largest = a.cwiseAbs().maxCoeff();
  if (largest == 0) return 0;
  if (!std::isfinite(largest)) return std::numeric_limits<double>::infinity();
  const Eigen::MatrixXd scaled = a / largest;
  const Eigen::MatrixXd gram = rows <= columns ? Eigen::MatrixXd(scaled * scaled.transpose())
                                               : Eigen::MatrixXd(scaled.transpose() * scaled);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram, Eigen::EigenvaluesOnly);
  const double top = std::max(solver.eigenvalues().tail(1)(0), 0.0);
  // Rounding: entry (i, j) of the Gram matrix is off by at most n u ||a_i|| ||a_j||, together a
  // matrix of norm at most n u ||A||_F^2; the symmetric eigensolver is backward stable with an
  // error of a modest multiple (taken as 10 n) of u ||G||_2. (Higham, "Accuracy and Stability of
  // Numerical Algorithms", sections 3.5 and 28.4; u = 2^-53)
  const double n = static_cast<double>(std::max(rows, columns));
  const double unit = kUnitRoundoff<double>;
  const double slack = (2 * n + 2) * unit * gram.trace() + 10 * n * unit * top;
  return largest * std::sqrt(top + slack) * (1 + 4 * unit);
}

double proved_norm(const ParameterInfo& info, const double* w) {
  return info.convolution ? proved_convolution_norm(*info.convolution, w)
                          : proved_spectral_norm(w, info.rows, info.columns);
}

void scale_to_proved_bound(const ParameterLayout& layout, std::span<float> values) {
  parallel_for(layout.entries().size(), [&](std::size_t i) {
    const ParameterInfo& info = layout[i];
    if (info.max_norm == 0) return;
    const auto w = values.subspan(info.offset, info.size());
    std::vector<double> wide(w.begin(), w.end());
    const double norm = proved_norm(info, wide.data());
    // Rounding an entry to float moves it by at most 2^-24 of itself, the matrix by at most
    // 2^-24 ||A||_F <= 2^-24 sqrt(min(M, K)) ||A||_2 (and denormals by nothing that counts).
    const std::size_t copies = info.convolution ? info.convolution->pixels() : 1;
    const double rank = static_cast<double>(copies * std::min(info.rows, info.columns));
    const double target = info.max_norm * (1 - 0x1p-23 * (1 + std::sqrt(rank)));
    if (norm <= info.max_norm) return;
    for (std::size_t j = 0; j < w.size(); ++j) w[j] = static_cast<float>(wide[j] * target / norm);
  });
}

std::vector<double> proved_norms(const ParameterLayout& layout, std::span<const double> values) {
  std::vector<double> norms(layout.entries().size(), 0);
  parallel_for(norms.size(), [&](std::size_t i) {
    const ParameterInfo& info = layout[i];
    if (info.max_norm > 0) norms[i] = proved_norm(info, values.data() + info.offset);
  });
  return norms;
}

}  // namespace iflow
