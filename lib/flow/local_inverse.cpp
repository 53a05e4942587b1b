#include "flow/local_inverse.h"

#include <cmath>
#include <limits>

#include "base/aligned.h"
#include "base/rounding.h"

namespace iflow {

namespace {

using Lanes = std::array<double, kLanes>;

// An upper bound of gamma(n + 4): a sum of n products and the few operations around it.
double gamma_around(std::size_t n) {
  return static_cast<double>(n + 4) * kUnitRoundoff<double> * 1.001;
}

// n x n matrices, element (i, j) of every lane at [(i * n + j) * kLanes].
class Matrices {
 public:
  explicit Matrices(std::size_t n) : n_(n), data_(n * n * kLanes, 0) {}

  double* at(std::size_t i, std::size_t j) { return data_.data() + (i * n_ + j) * kLanes; }
  const double* at(std::size_t i, std::size_t j) const {
    return data_.data() + (i * n_ + j) * kLanes;
  }

  // Frobenius norms.
  Lanes norms() const {
    Lanes sums{};
    for (std::size_t i = 0; i < n_ * n_; ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        sums[l] += data_[i * kLanes + l] * data_[i * kLanes + l];
      }
    }
    for (double& s : sums) s = std::sqrt(s);
    return sums;
  }

  void divide(const Lanes& by) {
    for (std::size_t i = 0; i < n_ * n_; ++i) {
      for (std::size_t l = 0; l < kLanes; ++l) data_[i * kLanes + l] /= by[l];
    }
  }

 private:
  std::size_t n_;
  AlignedVector<double> data_;
};

template <class T>
Matrices copy_of(const T* from, std::size_t n) {
  Matrices to(n);
  for (std::size_t i = 0; i < n * n * kLanes; ++i) to.at(0, 0)[i] = from[i];
  return to;
}

// x^T y when `transposed`, else x y.
Matrices product(const Matrices& x, const Matrices& y, std::size_t n, bool transposed) {
  Matrices result(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      const double* xs = transposed ? x.at(k, i) : x.at(i, k);
      for (std::size_t j = 0; j < n; ++j) {
        double* to = result.at(i, j);
        const double* ys = y.at(k, j);
        for (std::size_t l = 0; l < kLanes; ++l) to[l] += xs[l] * ys[l];
      }
    }
  }
  return result;
}

// ||B|| <= f_0^(1/2) f_1^(1/4) f_2^(1/8) f_3^(1/16), f_k the Frobenius norms of B^T B and of its
// repeated squares, each divided by its norm before it is squared. What rounding does to a product
// of X and Y is at most gamma ||X||_F ||Y||_F.
Lanes spectral_norms(const Matrices& b, std::size_t n) {
  constexpr std::size_t kSquares = 3;
  const double g = gamma_around(n);
  std::array<Lanes, kSquares + 1> factors;
  Matrices power = product(b, b, n, true);
  const Lanes frobenius = b.norms();
  factors[0] = power.norms();
  for (std::size_t k = 1; k <= kSquares; ++k) {
    power.divide(factors[k - 1]);
    power = product(power, power, n, false);
    factors[k] = power.norms();
  }
  Lanes bounds;
  for (std::size_t l = 0; l < kLanes; ++l) {
    double bound = factors[kSquares][l] + g;
    for (std::size_t k = kSquares - 1; k > 0; --k) bound = factors[k][l] * std::sqrt(bound) + g;
    bound = factors[0][l] * std::sqrt(bound) + g * frobenius[l] * frobenius[l];
    bounds[l] = std::sqrt(bound) * (1 + g);
  }
  return bounds;
}

}  // namespace

template <class T>
Lanes bound_inverses(const T* a, const T* b, std::size_t n, const Lanes& errors) {
  const Matrices as = copy_of(a, n), bs = copy_of(b, n);
  Matrices rest = product(bs, as, n, false);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t l = 0; l < kLanes; ++l) rest.at(i, i)[l] -= 1;
  }
  const Lanes spectral = spectral_norms(bs, n), rest_norms = rest.norms(), a_norms = as.norms(),
              b_norms = bs.norms();
  Lanes bounds;
  for (std::size_t l = 0; l < kLanes; ++l) {
    // The products, and taking 1 from the diagonal, whose entries are at most 1 + those of B A.
    const double rounding =
        gamma_around(n) * (2 * b_norms[l] * a_norms[l] + std::sqrt(static_cast<double>(n)));
    const double off =
        (rest_norms[l] + rounding + spectral[l] * errors[l]) * (1 + gamma_around(n * n));
    bounds[l] = off < 1 ? spectral[l] / (1 - off) * (1 + gamma_around(n))
                        : std::numeric_limits<double>::infinity();
  }
  return bounds;
}

template Lanes bound_inverses(const float*, const float*, std::size_t, const Lanes&);
template Lanes bound_inverses(const double*, const double*, std::size_t, const Lanes&);

}  // namespace iflow
