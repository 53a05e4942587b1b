#include <algorithm>

#include "autodiff/ops.h"
#include "kernels/determinant.h"

namespace iflow::ops {

template <class T>
Var unit_tangents(Tape<T>& tape, Var x) {
  const std::size_t e = x.elements, g = x.groups;
  const Var y = tape.variable(e, (1 + e) * g);
  T* ys = tape.value(y);
  std::copy_n(tape.value(x), x.size(), ys);
  std::fill_n(ys + x.size(), e * x.size(), T(0));
  for (std::size_t j = 0; j < e; ++j) {
    for (std::size_t group = 0; group < g; ++group) {
      std::fill_n(ys + (((1 + j) * g + group) * e + j) * kLanes, kLanes, T(1));
    }
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    // the tangents are constants: dx += the adjoint of the values
    const T* dy = t.output_adjoint(y);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] += dy[i];
  });
  return y;
}

template <class T>
Var log_det_identity_plus(Tape<T>& tape, Var h, std::size_t groups) {
  const std::size_t n = h.elements, matrix = n * n * kLanes;
  const Var y = tape.variable(1, groups);
  T* inverses = tape.scratch(tape.recording() ? groups * matrix : 0);
  T* a = tape.scratch(matrix);
  const T* hs = tape.value(h);
  // Element (i, j) of J in group g, all lanes: element i of tangent j.
  const auto at = [=](std::size_t g, std::size_t i, std::size_t j) {
    return (((1 + j) * groups + g) * n + i) * kLanes;
  };
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const T* jij = hs + at(g, i, j);
        T* aij = a + (i * n + j) * kLanes;
        const simd::Vec<T> identity = simd::broadcast(T(i == j ? 1 : 0));
        for (std::size_t l = 0; l < kLanes; l += simd::kWidth<T>) {
          simd::store(aij + l, simd::load(jij + l) + identity);
        }
      }
    }
    kernels::log_det_and_inverse(a, n, tape.value(y) + g * kLanes,
                                 tape.recording() ? inverses + g * matrix : nullptr);
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    // d ln det A = tr(A^-1 dA): dJ[i][j] += dy A^-1[j][i]
    const T* dy = t.output_adjoint(y);
    T* dh = t.adjoint_to_add(h);
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          const T* inverse = inverses + g * matrix + (j * n + i) * kLanes;
          simd::add_product(dh + at(g, i, j), dy + g * kLanes, inverse);
        }
      }
    }
  });
  return y;
}

template Var unit_tangents(Tape<float>&, Var);
template Var unit_tangents(Tape<double>&, Var);
template Var log_det_identity_plus(Tape<float>&, Var, std::size_t);
template Var log_det_identity_plus(Tape<double>&, Var, std::size_t);

}  // namespace iflow::ops
