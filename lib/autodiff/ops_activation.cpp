#include "autodiff/ops.h"
#include "kernels/softplus.h"

namespace iflow::ops {

template <class T>
Var activation(Tape<T>& tape, Activation kind, const Parameter<T>& raw, Var x, std::size_t groups) {
  const std::size_t tangents = x.groups / groups - 1;
  const T a = has_parameter(kind) ? kernels::softplus(*raw.value) : T(1);
  const Var y = tape.variable(x.elements, x.groups);
  const std::size_t values = groups * x.elements * kLanes;
  T* first = tape.recording() ? tape.scratch(values) : nullptr;  // phi'(x)
  kernels::activation_forward(kind, a, tape.value(x), tape.value(y), first, x.elements, groups,
                              tangents);
  tape.on_backward(y, [=](Tape<T>& t) {
    // y = phi(x; a), t' = phi'(x; a) t, a = softplus(raw)
    const auto dx = t.adjoint(x);
    T* out = dx.fresh ? dx.data : t.scratch(x.size());
    const T da =
        kernels::activation_backward(kind, a, t.value(x), t.value(y), first, t.output_adjoint(y),
                                     out, x.elements, groups, tangents);
    if (!dx.fresh) {
      for (std::size_t i = 0; i < x.size(); ++i) dx.data[i] += out[i];
    }
    if (has_parameter(kind)) *raw.gradient += da * kernels::softplus_derivative(*raw.value);
  });
  return y;
}

template Var activation(Tape<float>&, Activation, const Parameter<float>&, Var, std::size_t);
template Var activation(Tape<double>&, Activation, const Parameter<double>&, Var, std::size_t);

}  // namespace iflow::ops
