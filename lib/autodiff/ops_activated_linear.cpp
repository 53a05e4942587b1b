#include <algorithm>

#include "autodiff/ops.h"
#include "kernels/matmul.h"
#include "kernels/softplus.h"

namespace iflow::ops {

namespace {

// Up to this size the activated tensor is kept for the backward pass. Of a larger one the values
// are kept and the tangents are made again, which is faster than to read them back from memory.
constexpr std::size_t kKeptBytes = 32768;

}  // namespace

template <class T>
Var activated_linear(Tape<T>& tape, Activation kind, const Parameter<T>& raw, const Parameter<T>& w,
                     const Parameter<T>& bias, Var x, std::size_t groups) {
  const std::size_t values = groups * x.elements * kLanes, tangents = x.groups / groups - 1;
  const T a = has_parameter(kind) ? kernels::softplus(*raw.value) : T(1);
  const auto matrix = kernels::row_major(w.value, w.rows, w.columns);
  const Var y = tape.variable(w.rows, x.groups);
  const bool keep = tape.recording() && x.size() * sizeof(T) <= kKeptBytes;
  T* first = tape.recording() ? tape.scratch(values) : nullptr;  // phi'(x)
  T* phi = nullptr;  // phi(x); kept: phi'(x) t behind it
  {
    const auto passing = tape.workspace(keep ? 0 : x.size());
    T* activated = keep ? tape.scratch(x.size()) : passing.data();
    kernels::activation_forward(kind, a, tape.value(x), activated, first, x.elements, groups,
                                tangents);
    kernels::matmul_with_bias(matrix, bias.value, groups, activated, tape.value(y), x.groups);
    if (keep) {
      phi = activated;
    } else if (tape.recording()) {
      phi = tape.scratch(values);
      std::copy_n(activated, values, phi);
    }
  }
  // The closure captures no whole Parameter: it is copied for every tile, and should be small.
  T* db = bias.gradient;
  T* d_raw = has_parameter(kind) ? raw.gradient : nullptr;
  const T slope = d_raw != nullptr ? kernels::softplus_derivative(*raw.value) : T(0);
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    const auto dx = t.adjoint(x);
    const auto added = t.workspace(dx.fresh ? 0 : x.size());
    // `out` holds phi(x), made again where it was not kept, then its adjoint, then that of x.
    T* out = dx.fresh ? dx.data : added.data();
    const T* activated = phi;
    if (!keep) {
      std::copy_n(phi, values, out);
      kernels::activation_tangents(first, t.value(x), out, values, tangents);
      activated = out;
    }
    // y = w phi + b: db += sum dy, dw += dy phi^T, dphi = w^T dy
    kernels::add_bias_gradient(dy, db, w.rows, groups);
    kernels::weight_gradient(dy, activated, w.gradient, w.rows, x.elements, x.groups);
    kernels::matmul(kernels::row_major(w.value, w.rows, w.columns).transposed(), dy, out, x.groups,
                    false);
    // phi = phi(x; a), t' = phi'(x; a) t, a = softplus(raw)
    const T da = kernels::activation_backward(kind, a, t.value(x), phi, first, out, out, x.elements,
                                              groups, tangents);
    if (!dx.fresh) {
      for (std::size_t i = 0; i < x.size(); ++i) dx.data[i] += out[i];
    }
    if (d_raw != nullptr) *d_raw += da * slope;
  });
  return y;
}

template Var activated_linear(Tape<float>&, Activation, const Parameter<float>&,
                              const Parameter<float>&, const Parameter<float>&, Var, std::size_t);
template Var activated_linear(Tape<double>&, Activation, const Parameter<double>&,
                              const Parameter<double>&, const Parameter<double>&, Var, std::size_t);

}  // namespace iflow::ops
