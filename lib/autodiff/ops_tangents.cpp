#include <algorithm>

#include "autodiff/ops.h"

namespace iflow::ops {

namespace {

// Calls visit(at, row) for every element of every tangent of h: where its lanes begin, and those of
// its group's rows.
template <class Visit>
void for_tangents(Var h, std::size_t groups, const Visit& visit) {
  std::size_t at = groups * h.elements * kLanes;
  for (std::size_t tangent = 1; tangent < h.groups / groups; ++tangent) {
    for (std::size_t row = 0; row < groups * kLanes; row += kLanes) {
      for (std::size_t i = 0; i < h.elements; ++i, at += kLanes) visit(at, row);
    }
  }
}

}  // namespace

template <class T>
Var with_tangents(Tape<T>& tape, Var x, Var t) {
  const Var y = tape.variable(x.elements, x.groups + t.groups);
  std::copy_n(tape.value(x), x.size(), tape.value(y));
  std::copy_n(tape.value(t), t.size(), tape.value(y) + x.size());
  tape.on_backward(y, [=](Tape<T>& r) {
    const T* dy = r.output_adjoint(y);
    T* dx = r.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] += dy[i];
    T* dt = r.adjoint_to_add(t);
    for (std::size_t i = 0; i < t.size(); ++i) dt[i] += dy[x.size() + i];
  });
  return y;
}

template <class T>
Var tangents_of(Tape<T>& tape, Var h, std::size_t groups) {
  const Var t = tape.variable(h.elements, h.groups - groups);
  const std::size_t values = h.size() - t.size();
  std::copy_n(tape.value(h) + values, t.size(), tape.value(t));
  tape.on_backward(t, [=](Tape<T>& r) {
    const T* dt = r.output_adjoint(t);
    T* dh = r.adjoint_to_add(h);
    for (std::size_t i = 0; i < t.size(); ++i) dh[values + i] += dt[i];
  });
  return t;
}

template <class T>
Var mean_tangent_product(Tape<T>& tape, Var h, Var v, std::size_t groups) {
  const std::size_t values = h.size() - v.size(), tangents = v.groups / groups;
  const T weight = 1 / static_cast<T>(tangents);
  const Var y = tape.variable(1, groups);
  const T* hs = tape.value(h);
  const T* vs = tape.value(v);
  T* ys = tape.value(y);
  std::fill_n(ys, y.size(), T(0));
  for_tangents(h, groups, [=](std::size_t at, std::size_t row) {
    simd::add_product(ys + row, hs + at, vs + at - values);
  });
  for (std::size_t l = 0; l < y.size(); ++l) ys[l] *= weight;
  tape.on_backward(y, [=](Tape<T>& r) {
    // v is a constant: dh[tangents] += dy v / D
    const T* dy = r.output_adjoint(y);
    T* dh = r.adjoint_to_add(h);
    const auto slope = r.workspace(y.size());
    for (std::size_t l = 0; l < y.size(); ++l) slope.data()[l] = weight * dy[l];
    for_tangents(h, groups, [vs, values, dh, by = slope.data()](std::size_t at, std::size_t row) {
      simd::add_product(dh + at, by + row, vs + at - values);
    });
  });
  return y;
}

template <class T>
Var less_squared_norm(Tape<T>& tape, Var v, Var h, T strength) {
  const std::size_t groups = v.groups;
  const Var y = tape.variable(1, groups);
  const T* t = tape.value(h);
  T* ys = tape.value(y);
  std::fill_n(ys, y.size(), T(0));
  for_tangents(h, groups, [=](std::size_t at, std::size_t row) {
    simd::add_product(ys + row, t + at, t + at);
  });
  for (std::size_t l = 0; l < y.size(); ++l) ys[l] = tape.value(v)[l] - strength * ys[l];
  tape.on_backward(y, [=](Tape<T>& r) {
    const T* dy = r.output_adjoint(y);
    const auto dv = r.adjoint(v);
    for (std::size_t l = 0; l < y.size(); ++l) dv.data[l] = dv.fresh ? dy[l] : dv.data[l] + dy[l];
    T* dh = r.adjoint_to_add(h);
    const auto slope = r.workspace(y.size());  // of ||J||_F^2 / 2
    for (std::size_t l = 0; l < y.size(); ++l) slope.data()[l] = -2 * strength * dy[l];
    for_tangents(h, groups, [t, dh, by = slope.data()](std::size_t at, std::size_t row) {
      simd::add_product(dh + at, by + row, t + at);
    });
  });
  return y;
}

#define IFLOW_INSTANTIATE(T)                                          \
  template Var with_tangents(Tape<T>&, Var, Var);                     \
  template Var tangents_of(Tape<T>&, Var, std::size_t);               \
  template Var mean_tangent_product(Tape<T>&, Var, Var, std::size_t); \
  template Var less_squared_norm(Tape<T>&, Var, Var, T);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::ops
