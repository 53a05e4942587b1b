// Operations that move elements about.
#include <algorithm>

#include "autodiff/ops.h"

namespace iflow::ops {

template <class T>
Var elements(Tape<T>& tape, Var x, std::size_t first, std::size_t count) {
  const std::size_t row = x.elements * kLanes, part = count * kLanes, skipped = first * kLanes;
  const Var y = tape.variable(count, x.groups);
  for (std::size_t g = 0; g < x.groups; ++g) {
    std::copy_n(tape.value(x) + g * row + skipped, part, tape.value(y) + g * part);
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t g = 0; g < x.groups; ++g) {
      for (std::size_t i = 0; i < part; ++i) dx[g * row + skipped + i] += dy[g * part + i];
    }
  });
  return y;
}

template <class T>
Var select(Tape<T>& tape, Var x, const std::size_t* source, std::size_t count) {
  const std::size_t row = x.elements * kLanes, part = count * kLanes;
  const Var y = tape.variable(count, x.groups);
  for (std::size_t g = 0; g < x.groups; ++g) {
    const T* xs = tape.value(x) + g * row;
    T* ys = tape.value(y) + g * part;
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(xs + source[i] * kLanes, kLanes, ys + i * kLanes);
    }
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dys = t.output_adjoint(y);
    T* dxs = t.adjoint_to_add(x);
    for (std::size_t g = 0; g < x.groups; ++g) {
      const T* dy = dys + g * part;
      T* dx = dxs + g * row;
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t l = 0; l < kLanes; ++l) dx[source[i] * kLanes + l] += dy[i * kLanes + l];
      }
    }
  });
  return y;
}

template <class T>
Var behind(Tape<T>& tape, Var a, Var b) {
  const std::size_t part_a = a.elements * kLanes, part_b = b.elements * kLanes;
  const Var y = tape.variable(a.elements + b.elements, a.groups);
  for (std::size_t g = 0; g < a.groups; ++g) {
    T* ys = tape.value(y) + g * (part_a + part_b);
    std::copy_n(tape.value(b) + g * part_b, part_b, ys);
    std::copy_n(tape.value(a) + g * part_a, part_a, ys + part_b);
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dys = t.output_adjoint(y);
    T* da = t.adjoint_to_add(a);
    T* db = t.adjoint_to_add(b);
    for (std::size_t g = 0; g < a.groups; ++g) {
      const T* dy = dys + g * (part_a + part_b);
      for (std::size_t i = 0; i < part_b; ++i) db[g * part_b + i] += dy[i];
      for (std::size_t i = 0; i < part_a; ++i) da[g * part_a + i] += dy[part_b + i];
    }
  });
  return y;
}

#define IFLOW_INSTANTIATE(T)                                           \
  template Var elements(Tape<T>&, Var, std::size_t, std::size_t);      \
  template Var select(Tape<T>&, Var, const std::size_t*, std::size_t); \
  template Var behind(Tape<T>&, Var, Var);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::ops
