#include "autodiff/ops.h"
#include "kernels/matmul.h"

namespace iflow::ops {

template <class T>
Var linear(Tape<T>& tape, const Parameter<T>& w, const Parameter<T>& bias, Var x,
           std::size_t groups) {
  const std::size_t m = w.rows;
  const Var y = tape.variable(m, x.groups);
  const auto matrix = kernels::row_major(w.value, w.rows, w.columns);
  kernels::matmul_with_bias(matrix, bias.value, groups, tape.value(x), tape.value(y), x.groups);
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    // y = w x + b: db += sum dy, dw += dy x^T, dx += w^T dy
    kernels::add_bias_gradient(dy, bias.gradient, m, groups);
    kernels::weight_gradient(dy, t.value(x), w.gradient, m, w.columns, x.groups);
    const auto dx = t.adjoint(x);
    kernels::matmul(matrix.transposed(), dy, dx.data, x.groups, !dx.fresh);
  });
  return y;
}

template Var linear(Tape<float>&, const Parameter<float>&, const Parameter<float>&, Var,
                    std::size_t);
template Var linear(Tape<double>&, const Parameter<double>&, const Parameter<double>&, Var,
                    std::size_t);

}  // namespace iflow::ops
