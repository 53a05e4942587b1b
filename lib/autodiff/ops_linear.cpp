#include <algorithm>

#include "autodiff/ops.h"
#include "kernels/matmul.h"

namespace iflow::ops {

template <class T>
Var linear(Tape<T>& tape, const Parameter<T>& w, const Parameter<T>& bias, Var x,
           std::size_t groups, const ConstantInput<T>& constant) {
  const std::size_t m = w.rows;
  const Var y = tape.variable(m, x.groups);
  const auto matrix = kernels::row_major(w.value, w.rows, w.columns);
  kernels::matmul_with_bias(matrix, bias.value, groups, tape.value(x), tape.value(y), x.groups);
  const Parameter<T> v = constant.weight;
  const T* c = constant.c;
  if (c != nullptr) {
    kernels::matmul(kernels::row_major(v.value, m, v.columns), c, tape.value(y), groups, true);
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    // y = w x + v c + b: db += sum dy, dw += dy x^T, dv += dy c^T, dx += w^T dy
    kernels::add_bias_gradient(dy, bias.gradient, m, groups);
    kernels::weight_gradient(dy, t.value(x), w.gradient, m, w.columns, x.groups);
    if (c != nullptr) kernels::weight_gradient(dy, c, v.gradient, m, v.columns, groups);
    const auto dx = t.adjoint(x);
    kernels::matmul(matrix.transposed(), dy, dx.data, x.groups, !dx.fresh);
  });
  return y;
}

template <class T>
Var linear_with_unit_tangents(Tape<T>& tape, const Parameter<T>& w, const Parameter<T>& bias,
                              Var x) {
  const std::size_t m = w.rows, e = x.elements, groups = x.groups;
  const Var y = tape.variable(m, (1 + e) * groups);
  kernels::matmul_with_bias(kernels::row_major(w.value, m, e), bias.value, groups, tape.value(x),
                            tape.value(y), groups);
  T* lanes = tape.value(y) + groups * m * kLanes;
  for (std::size_t j = 0; j < e; ++j) {
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t i = 0; i < m; ++i, lanes += kLanes) simd::fill(lanes, w.value[i * e + j]);
    }
  }
  T* db = bias.gradient;
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    // y = w x + b, tangent j = column j of w: db += sum dy, dw += dy x^T, its column j += sum dy_j,
    // dx += w^T dy
    kernels::add_bias_gradient(dy, db, m, groups);
    kernels::weight_gradient_of_unit_tangents(dy, t.value(x), w.gradient, m, e, groups);
    const auto dx = t.adjoint(x);
    kernels::matmul(kernels::row_major(w.value, m, e).transposed(), dy, dx.data, groups, !dx.fresh);
  });
  return y;
}

template Var linear(Tape<float>&, const Parameter<float>&, const Parameter<float>&, Var,
                    std::size_t, const ConstantInput<float>&);
template Var linear(Tape<double>&, const Parameter<double>&, const Parameter<double>&, Var,
                    std::size_t, const ConstantInput<double>&);
template Var linear_with_unit_tangents(Tape<float>&, const Parameter<float>&,
                                       const Parameter<float>&, Var);
template Var linear_with_unit_tangents(Tape<double>&, const Parameter<double>&,
                                       const Parameter<double>&, Var);

}  // namespace iflow::ops
