#include "kernels/channel_activation.h"

#include "base/aligned.h"
#include "kernels/clipswish.h"
#include "kernels/simd.h"

namespace iflow {

double lipschitz_constant(ChannelActivation phi) {
  // Dividing by kClipSwishLipschitz leaves a concatenated activation at most 1.
  return phi.concatenated ? 1 : lipschitz_constant(phi.kind);
}

namespace kernels {

template <class T>
void channel_activation_keep(ChannelActivation phi, T a, const T* z, T* kept, std::size_t channels,
                             std::size_t groups) {
  if (phi.concatenated) {
    clipswish_keep(a, z, kept, channels, groups);
    return;
  }
  const std::size_t row = channels * kLanes;
  AlignedVector<T> y(row);  // of no further use
  for (std::size_t g = 0; g < groups; ++g) {
    activation_forward(phi.kind, a, z + g * row, y.data(), kept + g * row, channels, 1, 0);
  }
}

template <class T>
void channel_activation_forward(ChannelActivation phi, T a, const T* z, T* y, T* kept,
                                std::size_t channels, std::size_t groups, std::size_t tangents) {
  if (phi.concatenated) {
    clipswish_forward(a, z, y, kept, channels, groups, tangents);
  } else {
    activation_forward(phi.kind, a, z, y, kept, channels, groups, tangents);
  }
}

template <class T>
void channel_activation_again(ChannelActivation phi, T a, const T* z, const T* kept, T* y,
                              std::size_t channels, std::size_t groups, std::size_t tangents) {
  if (phi.concatenated) {
    clipswish_again(z, kept, y, channels, groups, tangents);
  } else {
    activation_forward<T>(phi.kind, a, z, y, nullptr, channels, groups, tangents);
  }
}

template <class T>
void channel_activation_tangents(ChannelActivation phi, const T* kept, const T* t, T* out,
                                 std::size_t channels, std::size_t groups, std::size_t tangents) {
  if (phi.concatenated) {
    clipswish_tangents(kept, t, out, channels, groups, tangents);
    return;
  }
  const std::size_t size = groups * channels * kLanes;
  for (std::size_t d = 0; d < tangents; ++d) {
    for (std::size_t i = 0; i < size; ++i) out[d * size + i] = kept[i] * t[d * size + i];
  }
}

template <class T>
T channel_activation_backward(ChannelActivation phi, T a, const T* z, const T* y, const T* kept,
                              const T* dy, T* dz, std::size_t channels, std::size_t groups,
                              std::size_t tangents) {
  return phi.concatenated
             ? clipswish_backward(a, z, kept, dy, dz, channels, groups, tangents)
             : activation_backward(phi.kind, a, z, y, kept, dy, dz, channels, groups, tangents);
}

#define IFLOW_INSTANTIATE(T)                                                                    \
  template void channel_activation_keep(ChannelActivation, T, const T*, T*, std::size_t,        \
                                        std::size_t);                                           \
  template void channel_activation_again(ChannelActivation, T, const T*, const T*, T*,          \
                                         std::size_t, std::size_t, std::size_t);                \
  template void channel_activation_forward(ChannelActivation, T, const T*, T*, T*, std::size_t, \
                                           std::size_t, std::size_t);                           \
  template void channel_activation_tangents(ChannelActivation, const T*, const T*, T*,          \
                                            std::size_t, std::size_t, std::size_t);             \
  template T channel_activation_backward(ChannelActivation, T, const T*, const T*, const T*,    \
                                         const T*, T*, std::size_t, std::size_t, std::size_t);
IFLOW_INSTANTIATE(float)
IFLOW_INSTANTIATE(double)
#undef IFLOW_INSTANTIATE

}  // namespace kernels
}  // namespace iflow
