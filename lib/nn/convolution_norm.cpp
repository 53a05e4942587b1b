#include "nn/convolution_norm.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/rng.h"
#include "base/rounding.h"

namespace iflow {

using kernels::ConvolutionShape;

namespace {

// Up to so many multiplications the Gram matrix is factorised: a tenth of a second.
constexpr double kLargestFactorisation = 2e9;

constexpr double kUnit = kUnitRoundoff<double>;

// Calls f(pixel, ky, neighbour, kx, n) for every pixel of the output and row ky of the kernel: taps
// kx .. kx + n - 1 of the row fall on the n pixels of the input from `neighbour` on.
template <class F>
void for_each_row_of_taps(const ConvolutionShape& s, const F& f) {
  const std::size_t r = s.side / 2;
  for (std::size_t i = 0; i < s.height; ++i) {
    const std::size_t first_ky = i < r ? r - i : 0, last_ky = std::min(s.side, s.height + r - i);
    for (std::size_t j = 0; j < s.width; ++j) {
      const std::size_t kx = j < r ? r - j : 0, last_kx = std::min(s.side, s.width + r - j);
      for (std::size_t ky = first_ky; ky < last_ky; ++ky) {
        f(i * s.width + j, ky, (i + ky - r) * s.width + j + kx - r, kx, last_kx - kx);
      }
    }
  }
}

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

}  // namespace

template <class T>
std::size_t ConvolutionOperator<T>::inputs() const {
  return shape_.pixels() * shape_.inputs;
}

template <class T>
std::size_t ConvolutionOperator<T>::outputs() const {
  return shape_.pixels() * shape_.outputs;
}

namespace {

using Eigen::Dynamic;
template <class T>
using Vector = Eigen::Map<Eigen::Matrix<T, Dynamic, 1>>;
template <class T>
using ConstVector = Eigen::Map<const Eigen::Matrix<T, Dynamic, 1>>;

// Taps kx .. kx + n - 1 of row ky of a kernel: (outputs, n inputs).
template <class T>
auto taps_of(const ConvolutionShape& s, const T* kernel, std::size_t ky, std::size_t kx,
             std::size_t n) {
  return Eigen::Map<const Eigen::Matrix<T, Dynamic, Dynamic, Eigen::RowMajor>, 0,
                    Eigen::OuterStride<>>(kernel + (ky * s.side + kx) * s.inputs, index(s.outputs),
                                          index(n * s.inputs),
                                          Eigen::OuterStride<>(index(s.columns())));
}

}  // namespace

template <class T>
void ConvolutionOperator<T>::apply(const T* x, T* y) const {
  std::fill_n(y, outputs(), T(0));
  for_each_row_of_taps(
      shape_, [&](std::size_t p, std::size_t ky, std::size_t q, std::size_t kx, std::size_t n) {
        const std::size_t c = shape_.inputs, m = shape_.outputs;
        Vector<T>(y + p * m, index(m)).noalias() +=
            taps_of(shape_, kernel_, ky, kx, n) * ConstVector<T>(x + q * c, index(n * c));
      });
}

template <class T>
void ConvolutionOperator<T>::apply_transposed(const T* y, T* x) const {
  std::fill_n(x, inputs(), T(0));
  for_each_row_of_taps(
      shape_, [&](std::size_t p, std::size_t ky, std::size_t q, std::size_t kx, std::size_t n) {
        const std::size_t c = shape_.inputs, m = shape_.outputs;
        Vector<T>(x + q * c, index(n * c)).noalias() +=
            taps_of(shape_, kernel_, ky, kx, n).transpose() * ConstVector<T>(y + p * m, index(m));
      });
}

template class ConvolutionOperator<float>;
template class ConvolutionOperator<double>;

void convolution_direction(const ConvolutionShape& shape, const float* u, const float* v,
                           float* direction) {
  const std::size_t c = shape.inputs, m = shape.outputs, columns = shape.columns();
  std::fill_n(direction, m * columns, 0.0F);
  for_each_row_of_taps(
      shape, [&](std::size_t p, std::size_t ky, std::size_t q, std::size_t kx, std::size_t n) {
        for (std::size_t o = 0; o < m; ++o) {
          float* d = direction + o * columns + (ky * shape.side + kx) * c;
          for (std::size_t k = 0; k < n * c; ++k) d[k] += u[p * m + o] * v[q * c + k];
        }
      });
}

namespace {

using Matrix = Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The convolution with the flipped kernel, inputs and outputs exchanged, is the transpose.
std::vector<double> transposed_kernel(const ConvolutionShape& s, const double* kernel) {
  std::vector<double> flipped(s.outputs * s.columns());
  for (std::size_t o = 0; o < s.outputs; ++o) {
    for (std::size_t t = 0; t < s.taps(); ++t) {
      for (std::size_t c = 0; c < s.inputs; ++c) {
        flipped[(c * s.taps() + s.taps() - 1 - t) * s.outputs + o] =
            kernel[o * s.columns() + t * s.inputs + c];
      }
    }
  }
  return flipped;
}

// A^T A. Rows of the image that are `side` apart or more don't meet in it: it is block-banded, with
// a block for every pair of rows of the image.
class GramMatrix {
 public:
  // Every pixel of the output adds the kernel's own Gram matrix, as far as its taps fall on the
  // image.
  GramMatrix(const ConvolutionShape& s, const double* kernel)
      : rows_(s.height), band_(std::min(s.side, s.height)) {
    const auto columns = index(s.columns());
    const Eigen::Map<const RowMajor> w(kernel, index(s.outputs), columns);
    const Matrix own = w.transpose() * w;
    const auto n = index(s.width * s.inputs);
    blocks_.assign(rows_ * band_, Matrix::Zero(n, n));
    std::vector<std::vector<Taps>> taps(s.pixels());
    for_each_row_of_taps(
        s, [&](std::size_t p, std::size_t ky, std::size_t q, std::size_t kx, std::size_t count) {
          taps[p].push_back({q / s.width, index(q % s.width * s.inputs),
                             index((ky * s.side + kx) * s.inputs), index(count * s.inputs)});
        });
    for (const std::vector<Taps>& pixel : taps) {
      for (const Taps& a : pixel) {
        for (const Taps& b : pixel) {
          if (a.row < b.row) continue;
          block(a.row, b.row).block(a.column, b.column, a.count, b.count) +=
              own.block(a.tap, b.tap, a.count, b.count);
        }
      }
    }
  }

  double size() const {
    return static_cast<double>(rows_) * static_cast<double>(blocks_[0].rows());
  }

  double trace() const {
    double sum = 0;
    for (std::size_t i = 0; i < rows_; ++i) sum += block(i, i).trace();
    return sum;
  }

  // Whether the Cholesky factorisation of t I - A^T A, block by block, runs to its end.
  bool is_below(double t) const {
    GramMatrix l = *this;  // becomes the factor, from the left
    for (std::size_t j = 0; j < rows_; ++j) {
      const std::size_t last = std::min(j + band_, rows_);
      for (std::size_t i = j; i < last; ++i) {
        Matrix& lij = l.block(i, j);
        lij = -lij;
        if (i == j) lij.diagonal().array() += t;
        for (std::size_t k = i + 1 > band_ ? i + 1 - band_ : 0; k < j; ++k) {
          lij.noalias() -= l.block(i, k) * l.block(j, k).transpose();
        }
        Matrix& ljj = l.block(j, j);
        if (i == j) {
          if (Eigen::LLT<Eigen::Ref<Matrix>>(ljj).info() != Eigen::Success) return false;
        } else {
          ljj.triangularView<Eigen::Lower>().transpose().solveInPlace<Eigen::OnTheRight>(lij);
        }
      }
    }
    return true;
  }

 private:
  // Taps side by side that a pixel of the output reads: where they fall, and which they are.
  struct Taps {
    std::size_t row;
    Eigen::Index column, tap, count;
  };

  // Of rows i >= j of the image, i - j < band_.
  Matrix& block(std::size_t i, std::size_t j) { return blocks_[j * band_ + i - j]; }
  const Matrix& block(std::size_t i, std::size_t j) const { return blocks_[j * band_ + i - j]; }

  std::size_t rows_, band_;
  std::vector<Matrix> blocks_;
};

// Multiplications of GramMatrix::is_below.
double factorisation_cost(const ConvolutionShape& s) {
  const auto n = static_cast<double>(s.width * s.inputs), band = static_cast<double>(s.side);
  return static_cast<double>(s.height) * n * n * n * band * (band + 1) / 2;
}

// The largest eigenvalue of a symmetric tridiagonal matrix T, to rounding: x lies above all of them
// if and only if every pivot of x I - T is positive. Eigen's solver gives up on one such matrix in
// a thousand. (Golub, Van Loan, "Matrix Computations", section 8.4)
double largest_tridiagonal_eigenvalue(const std::vector<double>& diagonal,
                                      const std::vector<double>& beside) {
  const std::size_t n = diagonal.size();
  const auto is_above_all = [&](double x) {
    double pivot = x - diagonal[0];
    for (std::size_t i = 1; i < n && pivot > 0; ++i) {
      pivot = x - diagonal[i] - beside[i - 1] * beside[i - 1] / pivot;
    }
    return pivot > 0;
  };
  double below = *std::max_element(diagonal.begin(), diagonal.end()), above = below;
  for (std::size_t i = 0; i < n; ++i) {  // Gershgorin's circles
    const double left = i > 0 ? beside[i - 1] : 0, right = i + 1 < n ? beside[i] : 0;
    above = std::max(above, diagonal[i] + left + right);
  }
  for (double x = std::midpoint(below, above); x > below && x < above;
       x = std::midpoint(below, above)) {
    (is_above_all(x) ? above : below) = x;
  }
  return above;
}

// The largest eigenvalue of A^T A, from below, by Lanczos' method from a fixed start: nearly exact
// after so many steps, and without a proof. (Golub, Van Loan, "Matrix Computations", section 10.1)
double largest_eigenvalue_estimate(const ConvolutionShape& s, const double* kernel) {
  constexpr int kSteps = 40;
  const ConvolutionOperator<double> a(s, kernel);
  const auto n = index(a.inputs());
  Eigen::VectorXd q(n), before = Eigen::VectorXd::Zero(n), image(n);
  std::vector<double> wide(a.outputs()), diagonal, beside;
  Rng rng(0, RngPurpose::kPower, 0);
  for (double& qi : q) qi = rng.normal();
  q.normalize();
  for (int k = 0; k < kSteps; ++k) {
    a.apply(q.data(), wide.data());
    a.apply_transposed(wide.data(), image.data());
    diagonal.push_back(q.dot(image));
    image -= diagonal.back() * q;
    if (k > 0) image -= beside.back() * before;
    const double norm = image.norm();
    if (!(norm > 1e-12 * diagonal.front())) break;
    beside.push_back(norm);
    before = q;
    q = image / norm;
  }
  return largest_tridiagonal_eigenvalue(diagonal, beside);
}

// A proved upper bound of the largest eigenvalue of A^T A.
double gram_bound(const ConvolutionShape& s, const double* kernel) {
  const GramMatrix gram(s, kernel);
  const double estimate = largest_eigenvalue_estimate(s, kernel);
  // Rounding. Forming the Gram matrix: an entry is a sum of at most outputs * taps products, the
  // matrix is off by at most that many u times || |A|^T |A| || <= trace(G). A Cholesky
  // factorisation that runs to its end is that of a matrix within (n + 1) u trace of its input,
  // in whatever order its sums are taken. (Higham, "Accuracy and Stability of Numerical
  // Algorithms", theorem 10.3)
  const double n = gram.size();
  const double terms = static_cast<double>(s.outputs * s.taps()) + 2;
  for (double margin = 1e-4; estimate * (1 + margin) < gram.trace(); margin *= 4) {
    const double bound = estimate * (1 + margin);
    if (!gram.is_below(bound)) continue;
    return bound + 2 * kUnit * ((n + 2) * n * bound + terms * gram.trace());
  }
  return gram.trace() * (1 + 2 * terms * n * kUnit);  // which no eigenvalue exceeds
}

double largest_entry(const ConvolutionShape& s, const double* kernel) {
  double largest = 0;
  for (std::size_t i = 0; i < s.outputs * s.columns(); ++i) {
    if (!std::isfinite(kernel[i])) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::fabs(kernel[i]));
  }
  return largest;
}

}  // namespace

double symbol_bound(const ConvolutionShape& s, const double* kernel) {
  constexpr std::size_t kGrid = 64;  // points an axis
  const auto rows = index(s.outputs), columns = index(s.inputs);
  double largest = 0, absolute = 0;
  for (std::size_t i = 0; i < s.outputs * s.columns(); ++i) absolute += std::fabs(kernel[i]);
  // The symbol at (-a, -b) is the conjugate of that at (a, b): half of the plane is enough.
  for (std::size_t a = 0; a <= kGrid / 2; ++a) {
    for (std::size_t b = 0; b < kGrid; ++b) {
      Eigen::MatrixXcd symbol = Eigen::MatrixXcd::Zero(rows, columns);
      for (std::size_t t = 0; t < s.taps(); ++t) {
        const std::size_t ky = t / s.side, kx = t % s.side;
        const double angle = 2 * std::numbers::pi * static_cast<double>(a * ky + b * kx) /
                             static_cast<double>(kGrid);
        const std::complex<double> phase = std::polar(1.0, angle);
        const Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>> tap(
            kernel + t * s.inputs, rows, columns, Eigen::OuterStride<>(index(s.columns())));
        symbol += phase * tap;
      }
      const Eigen::MatrixXcd gram = rows <= columns ? Eigen::MatrixXcd(symbol * symbol.adjoint())
                                                    : Eigen::MatrixXcd(symbol.adjoint() * symbol);
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(gram, Eigen::EigenvaluesOnly);
      largest = std::max(largest, solver.eigenvalues().tail(1)(0));
    }
  }
  // Rounding: every entry of a symbol is off by some units in the last place of the kernel's
  // absolute sum, its Gram matrix and eigenvalues by as many of their own; a generous multiple.
  const double units = 100 * static_cast<double>(s.columns() + s.outputs) * kUnit;
  const double norm = std::sqrt(std::max(largest, 0.0) + units * absolute * absolute);
  // Between the points of the grid a trigonometric polynomial of degree r rises by no more than
  // 1 / cos(pi r / N) an axis.
  const std::size_t degree = s.side / 2;
  const double rise =
      std::cos(std::numbers::pi * static_cast<double>(degree) / static_cast<double>(kGrid));
  return norm / (rise * rise) * (1 + 8 * kUnit);
}

double proved_convolution_norm(const ConvolutionShape& shape, const double* kernel) {
  const double largest = largest_entry(shape, kernel);
  if (largest == 0 || !std::isfinite(largest)) return largest;
  // Scaled to entries of at most 1 so that nothing can over- or underflow.
  std::vector<double> scaled(kernel, kernel + shape.outputs * shape.columns());
  for (double& w : scaled) w /= largest;
  ConvolutionShape side = shape;
  if (shape.outputs < shape.inputs) {
    scaled = transposed_kernel(shape, scaled.data());
    std::swap(side.inputs, side.outputs);
  }
  if (factorisation_cost(side) > kLargestFactorisation) {
    return symbol_bound(side, scaled.data()) * largest * (1 + 4 * kUnit);
  }
  return std::sqrt(gram_bound(side, scaled.data())) * largest * (1 + 8 * kUnit);
}

}  // namespace iflow
