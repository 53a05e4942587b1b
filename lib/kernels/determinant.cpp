#include "kernels/determinant.h"

#include <limits>

#include "kernels/simd.h"
#include "kernels/vector_math.h"

namespace iflow::kernels {

namespace {

using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

// One register's worth of lanes of a lane-parallel n x n matrix.
template <class T>
class Lanes {
 public:
  Lanes(T* data, std::size_t n, std::size_t lane) : data_(data + lane), n_(n) {}
  Vec<T> get(std::size_t i, std::size_t j) const { return load(data_ + (i * n_ + j) * kLanes); }
  void set(std::size_t i, std::size_t j, Vec<T> x) { store(data_ + (i * n_ + j) * kLanes, x); }

 private:
  T* data_;
  std::size_t n_;
};

template <class T>
Vec<T> closed_1(const Lanes<T>& a, Lanes<T>* inverse) {
  if (inverse) inverse->set(0, 0, T(1) / a.get(0, 0));
  return a.get(0, 0);
}

template <class T>
Vec<T> closed_2(const Lanes<T>& a, Lanes<T>* inverse) {
  const Vec<T> a00 = a.get(0, 0), a01 = a.get(0, 1), a10 = a.get(1, 0), a11 = a.get(1, 1);
  const Vec<T> det = a00 * a11 - a01 * a10;
  if (inverse) {
    const Vec<T> r = T(1) / det;
    inverse->set(0, 0, a11 * r);
    inverse->set(0, 1, -a01 * r);
    inverse->set(1, 0, -a10 * r);
    inverse->set(1, 1, a00 * r);
  }
  return det;
}

template <class T>
Vec<T> closed_3(const Lanes<T>& a, Lanes<T>* inverse) {
  const auto cofactor = [&](std::size_t i, std::size_t j) -> Vec<T> {
    const std::size_t r1 = (i + 1) % 3, r2 = (i + 2) % 3, c1 = (j + 1) % 3, c2 = (j + 2) % 3;
    return a.get(r1, c1) * a.get(r2, c2) - a.get(r1, c2) * a.get(r2, c1);
  };
  const Vec<T> det =
      a.get(0, 0) * cofactor(0, 0) + a.get(0, 1) * cofactor(0, 1) + a.get(0, 2) * cofactor(0, 2);
  if (inverse) {
    const Vec<T> r = T(1) / det;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) inverse->set(j, i, cofactor(i, j) * r);
    }
  }
  return det;
}

// a <- its factors, the unit lower triangle of L below the diagonal and U on and above it.
template <class T>
void factor(Lanes<T>& a, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) {
    const Vec<T> r = T(1) / a.get(k, k);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Vec<T> l = a.get(i, k) * r;
      a.set(i, k, l);
      for (std::size_t j = k + 1; j < n; ++j) a.set(i, j, a.get(i, j) - l * a.get(k, j));
    }
  }
}

// Column by column: L U x = e_c.
template <class T>
void invert_factored(const Lanes<T>& lu, std::size_t n, Lanes<T>& inverse) {
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t i = 0; i < n; ++i) {
      Vec<T> x = simd::broadcast(T(i == c ? 1 : 0));
      for (std::size_t k = c; k < i; ++k) x -= lu.get(i, k) * inverse.get(k, c);
      inverse.set(i, c, x);
    }
    for (std::size_t i = n; i-- > 0;) {
      Vec<T> x = inverse.get(i, c);
      for (std::size_t k = i + 1; k < n; ++k) x -= lu.get(i, k) * inverse.get(k, c);
      inverse.set(i, c, x / lu.get(i, i));
    }
  }
}

template <class T>
Vec<T> log_det_lanes(Lanes<T> a, std::size_t n, Lanes<T>* inverse) {
  if (n == 1) return simd::log<T>(closed_1(a, inverse));
  if (n == 2) return simd::log<T>(closed_2(a, inverse));
  if (n == 3) return simd::log<T>(closed_3(a, inverse));
  factor(a, n);
  Vec<T> log_det{};
  for (std::size_t i = 0; i < n; ++i) log_det += simd::log<T>(a.get(i, i));
  if (inverse) invert_factored(a, n, *inverse);
  return log_det;
}

}  // namespace

template <class T>
void log_det_and_inverse(T* a, std::size_t n, T* log_det, T* inverse) {
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth<T>) {
    if (inverse) {
      Lanes<T> out(inverse, n, lane);
      store(log_det + lane, log_det_lanes(Lanes<T>(a, n, lane), n, &out));
    } else {
      store(log_det + lane, log_det_lanes<T>(Lanes<T>(a, n, lane), n, nullptr));
    }
  }
}

template void log_det_and_inverse(float*, std::size_t, float*, float*);
template void log_det_and_inverse(double*, std::size_t, double*, double*);

}  // namespace iflow::kernels
