#include "kernels/clipswish.h"

#include "kernels/simd.h"
#include "kernels/vector_math.h"

namespace iflow::kernels {

namespace {

using simd::kWidth;
using simd::load;
using simd::store;
using simd::Vec;

// of phi and of z in [phi(z), phi(z) - z / 1.1] / k
template <class T>
constexpr T kScale = T(1 / 1.1 / kClipSwishLipschitz);

// Calls f(i, j) for every register of a group of G: i is its place in [G][C][kLanes], j that of its
// first half's image in [G][2 C][kLanes].
template <class T, class F>
void for_each_register(std::size_t channels, std::size_t groups, const F& f) {
  const std::size_t row = channels * kLanes;
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < row; i += kWidth<T>) f(g * row + i, 2 * g * row + i);
  }
}

// phi'(z) / k = kScale (s + a z s (1 - s)), s = sigmoid(a z)
template <class T>
Vec<T> slope_at(T a, Vec<T> z, Vec<T> s) {
  return kScale<T> * (s + a * z * s * (1 - s));
}

// The images of z and its tangents at register i, `row` numbers in a group and `size` in all of
// them: theirs begin at j.
template <class T>
void map_register(const T* z, Vec<T> zi, Vec<T> s, Vec<T> slope, T* y, std::size_t i, std::size_t j,
                  std::size_t row, std::size_t size, std::size_t tangents) {
  const Vec<T> linear = kScale<T> * zi, value = linear * s;
  store(y + j, value);
  store(y + j + row, value - linear);
  for (std::size_t t = 1; t <= tangents; ++t) {
    const Vec<T> ti = load(z + t * size + i), image = slope * ti;
    store(y + 2 * t * size + j, image);
    store(y + 2 * t * size + j + row, image - kScale<T> * ti);
  }
}

}  // namespace

template <class T>
void clipswish_keep(T a, const T* z, T* kept, std::size_t channels, std::size_t groups) {
  const std::size_t row = channels * kLanes;
  for_each_register<T>(channels, groups, [&](std::size_t i, std::size_t j) {
    const Vec<T> zi = load(z + i), s = simd::sigmoid<T>(a * zi);
    store(kept + j, slope_at(a, zi, s));
    store(kept + j + row, s);
  });
}

template <class T>
void clipswish_forward(T a, const T* z, T* y, T* kept, std::size_t channels, std::size_t groups,
                       std::size_t tangents) {
  const std::size_t row = channels * kLanes, size = groups * row;
  for_each_register<T>(channels, groups, [&](std::size_t i, std::size_t j) {
    const Vec<T> zi = load(z + i), s = simd::sigmoid<T>(a * zi), slope = slope_at(a, zi, s);
    if (kept) store(kept + j, slope), store(kept + j + row, s);
    map_register(z, zi, s, slope, y, i, j, row, size, tangents);
  });
}

template <class T>
void clipswish_again(const T* z, const T* kept, T* y, std::size_t channels, std::size_t groups,
                     std::size_t tangents) {
  const std::size_t row = channels * kLanes, size = groups * row;
  for_each_register<T>(channels, groups, [&](std::size_t i, std::size_t j) {
    map_register(z, load(z + i), load(kept + j + row), load(kept + j), y, i, j, row, size,
                 tangents);
  });
}

template <class T>
void clipswish_tangents(const T* kept, const T* t, T* out, std::size_t channels, std::size_t groups,
                        std::size_t tangents) {
  const std::size_t row = channels * kLanes, size = groups * row;
  for (std::size_t d = 0; d < tangents; ++d) {
    for_each_register<T>(channels, groups, [&](std::size_t i, std::size_t j) {
      const Vec<T> ti = load(t + d * size + i), image = load(kept + j) * ti;
      store(out + 2 * d * size + j, image);
      store(out + 2 * d * size + j + row, image - kScale<T> * ti);
    });
  }
}

template <class T>
T clipswish_backward(T a, const T* z, const T* kept, const T* dy, T* dz, std::size_t channels,
                     std::size_t groups, std::size_t tangents) {
  const std::size_t row = channels * kLanes, size = groups * row;
  Vec<T> da{};
  for_each_register<T>(channels, groups, [&](std::size_t i, std::size_t j) {
    const Vec<T> zi = load(z + i), s = load(kept + j + row), az = a * zi;
    const Vec<T> ds = s * (1 - s), bend = 2 + az * (1 - 2 * s);
    const Vec<T> slope = kScale<T> * (s + az * ds);
    // y = [k phi, k phi - linear], linear = kScale z: what reaches phi is the sum of both halves
    Vec<T> d_slope{};  // sum over the tangents of t dt'
    for (std::size_t t = 1; t <= tangents; ++t) {
      const Vec<T> second = load(dy + 2 * t * size + j + row);
      const Vec<T> both = load(dy + 2 * t * size + j) + second;
      d_slope += load(z + t * size + i) * both;
      store(dz + t * size + i, slope * both - kScale<T> * second);
    }
    const Vec<T> second = load(dy + j + row), both = load(dy + j) + second;
    const Vec<T> curvature = kScale<T> * a * ds * bend;
    store(dz + i, slope * both - kScale<T> * second + curvature * d_slope);
    da += kScale<T> * zi * ds * (zi * both + bend * d_slope);
  });
  T sum = 0;
  for (std::size_t i = 0; i < kWidth<T>; ++i) sum += da[i];
  return sum;
}

#define IFLOW_INSTANTIATE(T)                                                                       \
  template void clipswish_keep(T, const T*, T*, std::size_t, std::size_t);                         \
  template void clipswish_forward(T, const T*, T*, T*, std::size_t, std::size_t, std::size_t);     \
  template void clipswish_again(const T*, const T*, T*, std::size_t, std::size_t, std::size_t);    \
  template void clipswish_tangents(const T*, const T*, T*, std::size_t, std::size_t, std::size_t); \
  template T clipswish_backward(T, const T*, const T*, const T*, T*, std::size_t, std::size_t,     \
                                std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::kernels
