#include "kernels/activation.h"

#include <cmath>
#include <type_traits>

#include "kernels/simd.h"
#include "kernels/vector_math.h"

namespace iflow {

bool has_parameter(Activation activation) {
  return activation == Activation::kLipSwish || activation == Activation::kSine;
}

double lipschitz_constant(Activation activation) {
  switch (activation) {
    case Activation::kSigmoid:
      return 0.25;
    case Activation::kTanh:
    case Activation::kRelu:
    case Activation::kElu:
    case Activation::kSine:
      return 1;
    case Activation::kLipSwish:
      // max of d/dz z sigmoid(z) is 1.0998393..., over 1.1.
      return 1.0998394 / 1.1;
  }
  return 1;
}

namespace kernels {

namespace {

using simd::broadcast;
using simd::kWidth;
using simd::load;
using simd::select;
using simd::store;
using simd::Vec;

template <class T>
struct Value {
  Vec<T> value, first;
};

// Each activation: phi and phi' at z, and phi'' given these. One with a parameter is f(a z) / a for
// some f, so that d phi / da = (z phi' - phi) / a and d phi' / da = z phi'' / a.

template <class T>
struct Sigmoid {
  explicit Sigmoid(T) {}
  Value<T> operator()(Vec<T> z) const {
    const Vec<T> s = simd::sigmoid<T>(z);
    return {s, s * (1 - s)};
  }
  Vec<T> second(Vec<T>, Vec<T> y, Vec<T> first) const { return first * (1 - 2 * y); }
};

template <class T>
struct Tanh {
  explicit Tanh(T) {}
  Value<T> operator()(Vec<T> z) const {
    const Vec<T> t = 2 * simd::sigmoid<T>(2 * z) - 1;
    return {t, 1 - t * t};
  }
  Vec<T> second(Vec<T>, Vec<T> y, Vec<T> first) const { return -2 * y * first; }
};

template <class T>
struct Relu {
  explicit Relu(T) {}
  Value<T> operator()(Vec<T> z) const {
    const auto positive = z > 0;
    return {select<T>(positive, z, Vec<T>{}), select<T>(positive, broadcast(T(1)), Vec<T>{})};
  }
  Vec<T> second(Vec<T>, Vec<T>, Vec<T>) const { return Vec<T>{}; }
};

template <class T>
struct Elu {
  explicit Elu(T) {}
  Value<T> operator()(Vec<T> z) const {
    const auto positive = z > 0;
    const Vec<T> e = simd::exp<T>(select<T>(positive, Vec<T>{}, z));
    return {select<T>(positive, z, e - 1), e};
  }
  Vec<T> second(Vec<T> z, Vec<T>, Vec<T> first) const { return select<T>(z > 0, Vec<T>{}, first); }
};

template <class T>
struct LipSwish {
  T a;
  explicit LipSwish(T parameter) : a(parameter) {}
  Value<T> operator()(Vec<T> z) const {
    const Vec<T> s = simd::sigmoid<T>(a * z);
    return {z * s * kScale, (s + a * z * s * (1 - s)) * kScale};
  }
  Vec<T> second(Vec<T> z, Vec<T>, Vec<T>) const {
    const Vec<T> s = simd::sigmoid<T>(a * z);
    return a * s * (1 - s) * (2 + a * z * (1 - 2 * s)) * kScale;
  }
  static constexpr T kScale = T(1 / 1.1);
};

template <class T>
struct Sine {
  T a, reciprocal, square;
  explicit Sine(T parameter) : a(parameter), reciprocal(1 / parameter), square(a * a) {}
  Value<T> operator()(Vec<T> z) const {
    const simd::SinCos<T> sc = simd::sincos<T>(z, a);
    return {sc.sin * reciprocal, sc.cos};
  }
  Vec<T> second(Vec<T>, Vec<T> y, Vec<T>) const { return -square * y; }
};

template <class T, class Phi>
void forward(const Phi& phi, const T* z, T* y, T* first, std::size_t size, std::size_t tangents) {
  for (std::size_t i = 0; i < size; i += kWidth<T>) {
    const Value<T> at = phi(load(z + i));
    store(y + i, at.value);
    if (first) store(first + i, at.first);
    for (std::size_t t = 1; t <= tangents; ++t) {
      store(y + t * size + i, at.first * load(z + t * size + i));
    }
  }
}

template <class T, class Phi>
T backward(const Phi& phi, const T* z, const T* y, const T* firsts, const T* dy, T* dz,
           std::size_t size, std::size_t tangents) {
  constexpr bool kHasParameter = requires { phi.a; };
  Vec<T> sum{};  // a times the adjoint of a
  for (std::size_t i = 0; i < size; i += kWidth<T>) {
    const Vec<T> first = load(firsts + i);
    // sum over the tangents of t dt', the adjoint of phi'(z)
    Vec<T> d_first{};
    for (std::size_t t = 1; t <= tangents; ++t) {
      const Vec<T> d_out = load(dy + t * size + i);
      d_first += load(z + t * size + i) * d_out;
      store(dz + t * size + i, first * d_out);
    }
    const Vec<T> zi = load(z + i), yi = load(y + i), d_value = load(dy + i);
    const Vec<T> d_in = first * d_value + phi.second(zi, yi, first) * d_first;
    store(dz + i, d_in);
    if constexpr (kHasParameter) sum += zi * d_in - yi * d_value;
  }
  if constexpr (kHasParameter) return simd::sum<T>(sum) / phi.a;
  return 0;
}

// Calls visit with the functor of the activation: the only switch on its kind.
template <class T, class Visit>
auto dispatch(Activation activation, T a, const Visit& visit) {
  switch (activation) {
    case Activation::kSigmoid:
      return visit(Sigmoid<T>(a));
    case Activation::kTanh:
      return visit(Tanh<T>(a));
    case Activation::kRelu:
      return visit(Relu<T>(a));
    case Activation::kElu:
      return visit(Elu<T>(a));
    case Activation::kLipSwish:
      return visit(LipSwish<T>(a));
    case Activation::kSine:
      break;
  }
  return visit(Sine<T>(a));
}

}  // namespace

template <class T>
void activation_forward(Activation activation, T a, const T* z, T* y, T* first,
                        std::size_t elements, std::size_t groups, std::size_t tangents) {
  dispatch(activation, a, [&](const auto& phi) {
    forward(phi, z, y, first, groups * elements * kLanes, tangents);
  });
}

template <class T>
void activation_tangents(const T* first, const T* z, T* y, std::size_t size, std::size_t tangents) {
  for (std::size_t t = 1; t <= tangents; ++t) {
    for (std::size_t i = 0; i < size; i += kWidth<T>) {
      store(y + t * size + i, load(first + i) * load(z + t * size + i));
    }
  }
}

template <class T>
T activation_backward(Activation activation, T a, const T* z, const T* y, const T* first,
                      const T* dy, T* dz, std::size_t elements, std::size_t groups,
                      std::size_t tangents) {
  return dispatch(activation, a, [&](const auto& phi) {
    return backward(phi, z, y, first, dy, dz, groups * elements * kLanes, tangents);
  });
}

ActivationValue activation_reference(Activation activation, double a, double z) {
  switch (activation) {
    case Activation::kSigmoid: {
      const double s = 1 / (1 + std::exp(-z));
      return {s, s * (1 - s), s * (1 - s) * (1 - 2 * s), 0, 0};
    }
    case Activation::kTanh: {
      const double t = std::tanh(z);
      return {t, 1 - t * t, -2 * t * (1 - t * t), 0, 0};
    }
    case Activation::kRelu:
      return {z > 0 ? z : 0, z > 0 ? 1.0 : 0.0, 0, 0, 0};
    case Activation::kElu:
      return {z > 0 ? z : std::expm1(z), z > 0 ? 1 : std::exp(z), z > 0 ? 0 : std::exp(z), 0, 0};
    case Activation::kLipSwish: {
      const double s = 1 / (1 + std::exp(-a * z));
      const double s1 = s * (1 - s);
      const double s2 = s1 * (1 - 2 * s);
      return {z * s / 1.1, (s + a * z * s1) / 1.1, (2 * a * s1 + a * a * z * s2) / 1.1,
              z * z * s1 / 1.1, (2 * z * s1 + a * z * z * s2) / 1.1};
    }
    case Activation::kSine:
      break;
  }
  return {std::sin(a * z) / a, std::cos(a * z), -a * std::sin(a * z),
          z * std::cos(a * z) / a - std::sin(a * z) / (a * a), -z * std::sin(a * z)};
}

#define IFLOW_INSTANTIATE(T)                                                                  \
  template void activation_forward(Activation, T, const T*, T*, T*, std::size_t, std::size_t, \
                                   std::size_t);                                              \
  template void activation_tangents(const T*, const T*, T*, std::size_t, std::size_t);        \
  template T activation_backward(Activation, T, const T*, const T*, const T*, const T*, T*,   \
                                 std::size_t, std::size_t, std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace kernels
}  // namespace iflow
