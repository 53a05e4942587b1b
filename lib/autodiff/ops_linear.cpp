#include "autodiff/ops.h"
#include "kernels/matmul.h"

namespace iflow::ops {

namespace {

// db[m] += sum over groups and lanes of dy[g][m][:].
template <class T>
void add_bias_gradient(const T* dy, T* db, std::size_t m, std::size_t groups) {
  using simd::Vec;
  for (std::size_t i = 0; i < m; ++i) {
    Vec<T> sum{};
    for (std::size_t g = 0; g < groups; ++g) {
      const T* lanes = dy + (g * m + i) * kLanes;
      for (std::size_t l = 0; l < kLanes; l += simd::kWidth<T>) sum += simd::load(lanes + l);
    }
    T total = 0;
    for (std::size_t l = 0; l < simd::kWidth<T>; ++l) total += sum[l];
    db[i] += total;
  }
}

}  // namespace

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
    add_bias_gradient(dy, bias.gradient, m, groups);
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
