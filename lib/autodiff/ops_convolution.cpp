#include <algorithm>

#include "autodiff/ops.h"
#include "kernels/clipswish.h"
#include "kernels/convolution.h"
#include "kernels/matmul.h"
#include "kernels/softplus.h"

namespace iflow::ops {

namespace {

using kernels::ConvolutionShape;

// Numbers of `groups` groups of images with so many channels.
std::size_t size_of(const ConvolutionShape& shape, std::size_t channels, std::size_t groups) {
  return groups * shape.pixels() * channels * kLanes;
}

// y <- w * x + b on the values, or what is known of it, and w * t on the tangents.
template <class T>
void convolve(const ConvolutionShape& shape, const Parameter<T>& w, const Parameter<T>& bias,
              const T* known, const T* x, T* y, std::size_t groups, std::size_t all_groups) {
  if (known == nullptr) {
    kernels::convolve(shape, w.value, bias.value, groups, x, y, all_groups);
    return;
  }
  const std::size_t values = size_of(shape, shape.outputs, groups);
  std::copy_n(known, values, y);
  kernels::convolve<T>(shape, w.value, nullptr, 0, x + size_of(shape, shape.inputs, groups),
                       y + values, all_groups - groups);
}

// y = w * x + b: db += sum dy, dw += dy x^T, dx = w^T * dy
template <class T>
void add_parameter_gradients(const ConvolutionShape& shape, const Parameter<T>& w,
                             const Parameter<T>& bias, const T* dy, const T* x, std::size_t groups,
                             std::size_t all_groups) {
  kernels::add_bias_gradient(dy, bias.gradient, shape.outputs, groups * shape.pixels());
  kernels::convolution_weight_gradient(shape, dy, x, w.gradient, all_groups);
}

}  // namespace

template <class T>
Var convolution(Tape<T>& tape, const ConvolutionShape& shape, const Parameter<T>& w,
                const Parameter<T>& bias, Var x, std::size_t groups, KnownValues<T> known) {
  const Var y = tape.variable(shape.pixels() * shape.outputs, x.groups);
  convolve(shape, w, bias, known.output, tape.value(x), tape.value(y), groups, x.groups);
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    add_parameter_gradients(shape, w, bias, dy, t.value(x), groups, x.groups);
    const auto dx = t.adjoint(x);
    const auto added = t.workspace(dx.fresh ? 0 : x.size());
    T* out = dx.fresh ? dx.data : added.data();
    kernels::convolve_transposed(shape, w.value, dy, out, x.groups);
    if (!dx.fresh) {
      for (std::size_t i = 0; i < x.size(); ++i) dx.data[i] += out[i];
    }
  });
  return y;
}

template <class T>
Var activated_convolution(Tape<T>& tape, ChannelActivation phi, const Parameter<T>& raw,
                          const ConvolutionShape& shape, const Parameter<T>& w,
                          const Parameter<T>& bias, Var x, std::size_t groups,
                          KnownValues<T> known) {
  const std::size_t tangents = x.groups / groups - 1, pixels = shape.pixels();
  const std::size_t channels = x.elements / pixels, rows = groups * pixels;
  const std::size_t activated_size = size_of(shape, shape.inputs, x.groups);
  const T a = has_parameter(phi.kind) ? kernels::softplus(*raw.value) : T(1);
  const Var y = tape.variable(pixels * shape.outputs, x.groups);
  {
    const auto activated = tape.workspace(activated_size);
    if (known.output != nullptr) {
      kernels::channel_activation_tangents(
          phi, known.kept, tape.value(x) + size_of(shape, channels, groups),
          activated.data() + size_of(shape, shape.inputs, groups), channels, rows, tangents);
    } else {
      kernels::channel_activation_forward<T>(phi, a, tape.value(x), activated.data(), nullptr,
                                             channels, rows, tangents);
    }
    convolve(shape, w, bias, known.output, activated.data(), tape.value(y), groups, x.groups);
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    const auto activated = t.workspace(activated_size), d_activated = t.workspace(activated_size);
    const auto own = t.workspace(known.kept ? 0 : rows * phi.kept(channels) * kLanes);
    const T* kept = known.kept ? known.kept : own.data();
    if (known.kept) {
      kernels::channel_activation_again(phi, a, t.value(x), kept, activated.data(), channels, rows,
                                        tangents);
    } else {
      kernels::channel_activation_forward(phi, a, t.value(x), activated.data(), own.data(),
                                          channels, rows, tangents);
    }
    add_parameter_gradients(shape, w, bias, dy, activated.data(), groups, x.groups);
    kernels::convolve_transposed(shape, w.value, dy, d_activated.data(), x.groups);
    // x reaches y through Phi(x; a), a = softplus(raw)
    const auto dx = t.adjoint(x);
    const auto added = t.workspace(dx.fresh ? 0 : x.size());
    T* out = dx.fresh ? dx.data : added.data();
    const T da =
        kernels::channel_activation_backward(phi, a, t.value(x), activated.data(), kept,
                                             d_activated.data(), out, channels, rows, tangents);
    if (!dx.fresh) {
      for (std::size_t i = 0; i < x.size(); ++i) dx.data[i] += out[i];
    }
    if (has_parameter(phi.kind)) *raw.gradient += da * kernels::softplus_derivative(*raw.value);
  });
  return y;
}

#define IFLOW_INSTANTIATE(T)                                                           \
  template Var convolution(Tape<T>&, const ConvolutionShape&, const Parameter<T>&,     \
                           const Parameter<T>&, Var, std::size_t, KnownValues<T>);     \
  template Var activated_convolution(Tape<T>&, ChannelActivation, const Parameter<T>&, \
                                     const ConvolutionShape&, const Parameter<T>&,     \
                                     const Parameter<T>&, Var, std::size_t, KnownValues<T>);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::ops
