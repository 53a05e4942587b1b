#include "kernels/clipswish.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/activation.h"
#include "kernels/simd.h"

namespace iflow::kernels {
namespace {

constexpr std::size_t kChannels = 3, kGroups = 2, kTangents = 2;
constexpr std::size_t kRow = kChannels * kLanes, kSize = kGroups * kRow;
constexpr double kA = 1.7;

AlignedVector<double> random_numbers(std::uint64_t key, std::size_t n) {
  Rng rng(key, RngPurpose::kTest);
  AlignedVector<double> x(n);
  for (double& xi : x) xi = 2 * rng.normal();
  return x;
}

TEST_CASE("clipswish: both halves are LipSwish of z and of -z") {
  const auto z = random_numbers(1, (1 + kTangents) * kSize);
  AlignedVector<double> y(2 * z.size()), kept(2 * kSize);
  clipswish_forward(kA, z.data(), y.data(), kept.data(), kChannels, kGroups, kTangents);
  for (std::size_t g = 0; g < kGroups; ++g) {
    for (std::size_t i = 0; i < kRow; ++i) {
      const double zi = z[g * kRow + i];
      const ActivationValue plus = activation_reference(Activation::kLipSwish, kA, zi);
      const ActivationValue minus = activation_reference(Activation::kLipSwish, kA, -zi);
      const double* ys = y.data() + 2 * g * kRow + i;
      CHECK(ys[0] == doctest::Approx(plus.value / 1.004).epsilon(1e-13));
      CHECK(ys[kRow] == doctest::Approx(minus.value / 1.004).epsilon(1e-13));
      for (std::size_t t = 1; t <= kTangents; ++t) {
        const double ti = z[t * kSize + g * kRow + i];
        CHECK(ys[2 * t * kSize] == doctest::Approx(plus.first * ti / 1.004).epsilon(1e-12));
        CHECK(ys[2 * t * kSize + kRow] ==
              doctest::Approx(-minus.first * ti / 1.004).epsilon(1e-12));
      }
    }
  }
  AlignedVector<double> tangents(2 * kTangents * kSize);
  clipswish_tangents(kept.data(), z.data() + kSize, tangents.data(), kChannels, kGroups, kTangents);
  for (std::size_t i = 0; i < tangents.size(); ++i) CHECK(tangents[i] == y[2 * kSize + i]);
}

TEST_CASE("clipswish: what is kept is the same alone, and gives the same again") {
  const auto z = random_numbers(4, (1 + kTangents) * kSize);
  AlignedVector<double> y(2 * z.size()), again(2 * z.size()), kept(2 * kSize), alone(2 * kSize);
  clipswish_forward(kA, z.data(), y.data(), kept.data(), kChannels, kGroups, kTangents);
  clipswish_keep(kA, z.data(), alone.data(), kChannels, kGroups);
  CHECK(alone == kept);
  clipswish_again(z.data(), kept.data(), again.data(), kChannels, kGroups, kTangents);
  CHECK(again == y);
}

TEST_CASE("clipswish: the backward pass is the derivative of the forward pass") {
  const auto z = random_numbers(2, (1 + kTangents) * kSize);
  const auto dy = random_numbers(3, 2 * z.size());
  const auto loss = [&](double a, const AlignedVector<double>& at) {
    AlignedVector<double> y(2 * at.size());
    clipswish_forward<double>(a, at.data(), y.data(), nullptr, kChannels, kGroups, kTangents);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += dy[i] * y[i];
    return sum;
  };
  AlignedVector<double> dz(z.size()), kept(2 * kSize);
  clipswish_keep(kA, z.data(), kept.data(), kChannels, kGroups);
  const double da = clipswish_backward(kA, z.data(), kept.data(), dy.data(), dz.data(), kChannels,
                                       kGroups, kTangents);
  const double h = 1e-6;
  CHECK(da == doctest::Approx((loss(kA + h, z) - loss(kA - h, z)) / (2 * h)).epsilon(1e-7));
  for (std::size_t i = 0; i < z.size(); i += 7) {
    AlignedVector<double> up = z, down = z;
    up[i] += h;
    down[i] -= h;
    const double difference = (loss(kA, up) - loss(kA, down)) / (2 * h);
    CHECK(dz[i] == doctest::Approx(difference).epsilon(1e-6));
  }
}

}  // namespace
}  // namespace iflow::kernels
