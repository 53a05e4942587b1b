#include <algorithm>
#include <cmath>

#include "autodiff/ops.h"

namespace iflow::ops {

namespace {

// The sum over the lanes.
template <class T>
T lane_sum(const T* lanes) {
  T sum = 0;
  for (std::size_t l = 0; l < kLanes; ++l) sum += lanes[l];
  return sum;
}

}  // namespace

template <class T>
Var mirror(Tape<T>& tape, Var x) {
  const std::size_t row = x.elements * kLanes;
  const Var y = tape.variable(2 * x.elements, x.groups);
  for (std::size_t g = 0; g < x.groups; ++g) {
    const T* xs = tape.value(x) + g * row;
    T* ys = tape.value(y) + 2 * g * row;
    for (std::size_t i = 0; i < row; ++i) {
      ys[i] = xs[i];
      ys[row + i] = -xs[i];
    }
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    T* dx = t.adjoint_to_add(x);
    for (std::size_t g = 0; g < x.groups; ++g) {
      const T* dy = t.output_adjoint(y) + 2 * g * row;
      for (std::size_t i = 0; i < row; ++i) dx[g * row + i] += dy[i] - dy[row + i];
    }
  });
  return y;
}

template <class T>
Var scale(Tape<T>& tape, Var x, T factor) {
  const Var y = tape.variable(x.elements, x.groups);
  const T* xs = tape.value(x);
  T* ys = tape.value(y);
  for (std::size_t i = 0; i < x.size(); ++i) ys[i] = factor * xs[i];
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] += factor * dy[i];
  });
  return y;
}

template <class T>
Var add_values(Tape<T>& tape, Var x, Var h) {
  const Var y = tape.variable(x.elements, x.groups);
  const T* xs = tape.value(x);
  const T* hs = tape.value(h);
  T* ys = tape.value(y);
  for (std::size_t i = 0; i < x.size(); ++i) ys[i] = xs[i] + hs[i];
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T* dx = t.adjoint_to_add(x);
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] += dy[i];
    T* dh = t.adjoint_to_add(h);
    for (std::size_t i = 0; i < x.size(); ++i) dh[i] += dy[i];
  });
  return y;
}

template <class T>
Var scale_and_shift(Tape<T>& tape, const Parameter<T>& log_scale, const Parameter<T>& shift,
                    Var x) {
  const std::size_t channels = log_scale.rows, pixels = x.groups * x.elements / channels;
  const Var y = tape.variable(x.elements, x.groups);
  T* scale = tape.scratch(channels);
  for (std::size_t c = 0; c < channels; ++c) scale[c] = std::exp(log_scale.value[c]);
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < channels; ++c) {
      const T* xs = tape.value(x) + (p * channels + c) * kLanes;
      T* ys = tape.value(y) + (p * channels + c) * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) ys[l] = (xs[l] + shift.value[c]) * scale[c];
    }
  }
  tape.on_backward(y, [=](Tape<T>& t) {
    T* dx = t.adjoint_to_add(x);
    for (std::size_t c = 0; c < channels; ++c) {
      alignas(simd::kVectorBytes) T by_shift[kLanes] = {}, by_log_scale[kLanes] = {};
      for (std::size_t p = 0; p < pixels; ++p) {
        const std::size_t at = (p * channels + c) * kLanes;
        const T* dy = t.output_adjoint(y) + at;
        const T* ys = t.value(y) + at;
        for (std::size_t l = 0; l < kLanes; ++l) {
          dx[at + l] += dy[l] * scale[c];
          by_shift[l] += dy[l];
          by_log_scale[l] += dy[l] * ys[l];
        }
      }
      shift.gradient[c] += lane_sum(by_shift) * scale[c];
      log_scale.gradient[c] += lane_sum(by_log_scale);
    }
  });
  return y;
}

template <class T>
Var sum_to_rows(Tape<T>& tape, const Parameter<T>& p, std::size_t groups) {
  const Var y = tape.variable(1, groups);
  T sum = 0;
  const std::size_t n = p.rows * p.columns;
  for (std::size_t i = 0; i < n; ++i) sum += p.value[i];
  std::fill_n(tape.value(y), y.size(), sum);
  tape.on_backward(y, [=](Tape<T>& t) {
    const T* dy = t.output_adjoint(y);
    T total = 0;
    for (std::size_t g = 0; g < groups; ++g) total += lane_sum(dy + g * kLanes);
    for (std::size_t i = 0; i < n; ++i) p.gradient[i] += total;
  });
  return y;
}

template <class T>
Var add(Tape<T>& tape, Var a, Var b) {
  return add_values(tape, a, b);
}

#define IFLOW_INSTANTIATE(T)                                                             \
  template Var mirror(Tape<T>&, Var);                                                    \
  template Var scale(Tape<T>&, Var, T);                                                  \
  template Var add_values(Tape<T>&, Var, Var);                                           \
  template Var scale_and_shift(Tape<T>&, const Parameter<T>&, const Parameter<T>&, Var); \
  template Var sum_to_rows(Tape<T>&, const Parameter<T>&, std::size_t);                  \
  template Var add(Tape<T>&, Var, Var);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace iflow::ops
