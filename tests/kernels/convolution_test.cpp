#include "kernels/convolution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/aligned.h"
#include "base/rng.h"
#include "kernels/matmul.h"
#include "kernels/reference.h"
#include "kernels/simd.h"
#include "support/numbers.h"
#include "support/tolerances.h"

namespace iflow::kernels {
namespace {

// Numbers behind an output, which nobody may touch.
constexpr std::size_t kGuard = 4 * kLanes;

std::size_t input_size(const ConvolutionShape& shape) {
  return shape.pixels() * shape.inputs * kLanes;
}
std::size_t output_size(const ConvolutionShape& shape) {
  return shape.pixels() * shape.outputs * kLanes;
}
std::size_t weight_size(const ConvolutionShape& shape) { return shape.outputs * shape.columns(); }

Rng rng_of(const ConvolutionShape& shape) {
  return Rng(shape.height * 100 + shape.width, RngPurpose::kTest,
             shape.inputs * 100 + shape.outputs, static_cast<std::uint32_t>(shape.side));
}

// Calls check(shape) for every kernel size, small images of every size around a register tile's
// and every count of channels around its; and for shapes of models.
template <class F>
void for_shapes(const F& check) {
  for (const std::size_t side : {1, 3, 5, 7}) {
    for (std::size_t width = 1; width <= 16; ++width) {
      check(ConvolutionShape{width % 4 + 1, width, width % 5 + 1, (width + side) % 6 + 1, side});
    }
    for (std::size_t height = 1; height <= 8; ++height) {
      check(ConvolutionShape{height, (height + side) % 9 + 1, 2, 3, side});
    }
    for (std::size_t outputs = 1; outputs <= 10; ++outputs) {
      for (std::size_t inputs = 1; inputs <= 6; ++inputs) {
        check(ConvolutionShape{2, (outputs + inputs) % 7 + 2, inputs, outputs, side});
      }
    }
  }
  for (const auto& [size, inputs, outputs] :
       {std::array<std::size_t, 3>{14, 4, 24}, {14, 48, 4}, {7, 16, 24}, {7, 48, 16}, {28, 1, 8}}) {
    check(ConvolutionShape{size, size, inputs, outputs, 3});
  }
}

template <class T>
void check_forward(const ConvolutionShape& shape, std::size_t groups, const T* bias,
                   std::size_t bias_groups) {
  Rng rng = rng_of(shape);
  const AlignedVector<T> w = whole_numbers<T>(rng, weight_size(shape));
  const AlignedVector<T> x = whole_numbers<T>(rng, groups * input_size(shape));
  AlignedVector<T> y = whole_numbers<T>(rng, groups * output_size(shape) + kGuard);
  AlignedVector<T> expected = y;
  convolve(shape, w.data(), bias, bias_groups, x.data(), y.data(), groups);
  reference::convolve(shape, w.data(), bias, bias_groups, x.data(), expected.data(), groups);
  CHECK((y == expected));
}

template <class T>
void check_transposed(const ConvolutionShape& shape, std::size_t groups) {
  Rng rng = rng_of(shape);
  const AlignedVector<T> w = whole_numbers<T>(rng, weight_size(shape));
  const AlignedVector<T> dy = whole_numbers<T>(rng, groups * output_size(shape));
  AlignedVector<T> dx = whole_numbers<T>(rng, groups * input_size(shape) + kGuard);
  AlignedVector<T> expected = dx;
  convolve_transposed(shape, w.data(), dy.data(), dx.data(), groups);
  reference::convolve_transposed(shape, w.data(), dy.data(), expected.data(), groups);
  CHECK((dx == expected));
}

template <class T>
void check_weight_gradient(const ConvolutionShape& shape, std::size_t groups) {
  Rng rng = rng_of(shape);
  const AlignedVector<T> dy = whole_numbers<T>(rng, groups * output_size(shape));
  const AlignedVector<T> x = whole_numbers<T>(rng, groups * input_size(shape));
  AlignedVector<T> dw = whole_numbers<T>(rng, weight_size(shape) + kGuard);
  AlignedVector<T> expected = dw;
  convolution_weight_gradient(shape, dy.data(), x.data(), dw.data(), groups);
  reference::convolution_weight_gradient(shape, dy.data(), x.data(), expected.data(), groups);
  CHECK((dw == expected));
}

#define INFO_SHAPE(shape)                                                              \
  INFO("H = ", (shape).height, ", W = ", (shape).width, ", inputs = ", (shape).inputs, \
       ", outputs = ", (shape).outputs, ", side = ", (shape).side)

TEST_CASE_TEMPLATE("convolutions agree with their naive twins for every shape", T, float, double) {
  for_shapes([](const ConvolutionShape& shape) {
    INFO_SHAPE(shape);
    const std::size_t groups = shape.width % 3 + 1;
    check_forward<T>(shape, groups, nullptr, groups);
    check_transposed<T>(shape, groups);
    check_weight_gradient<T>(shape, groups);
  });
}

TEST_CASE_TEMPLATE("the bias is added in the first groups only", T, float, double) {
  const AlignedVector<T> bias = {3, -1, 4, 1, -5, 9, 2};
  for (const std::size_t bias_groups : {0, 1, 2, 3}) {
    check_forward<T>({3, 5, 2, 7, 3}, 3, bias.data(), bias_groups);
  }
}

TEST_CASE_TEMPLATE("a convolution of side 1 is a matrix product at every pixel", T, float, double) {
  const ConvolutionShape shape{3, 5, 6, 7, 1};
  const std::size_t groups = 2;
  Rng rng = rng_of(shape);
  const AlignedVector<T> w = whole_numbers<T>(rng, weight_size(shape));
  const AlignedVector<T> x = whole_numbers<T>(rng, groups * input_size(shape));
  AlignedVector<T> y(groups * output_size(shape)), expected(y.size());
  convolve<T>(shape, w.data(), nullptr, 0, x.data(), y.data(), groups);
  matmul(row_major(w.data(), shape.outputs, shape.inputs), x.data(), expected.data(),
         groups * shape.pixels(), false);
  CHECK((y == expected));
}

TEST_CASE("the products of a convolution are those inside the image") {
  for_shapes([](const ConvolutionShape& shape) {
    INFO_SHAPE(shape);
    const AlignedVector<double> w(weight_size(shape), 1), x(input_size(shape), 1);
    AlignedVector<double> y(output_size(shape));
    convolve<double>(shape, w.data(), nullptr, 0, x.data(), y.data(), 1);
    const double sum = std::accumulate(y.begin(), y.end(), 0.0);
    CHECK(sum == static_cast<double>(kLanes * shape.products()));
  });
}

TEST_CASE_TEMPLATE("convolutions of no groups leave the output", T, float, double) {
  const ConvolutionShape shape{3, 3, 2, 2, 3};
  AlignedVector<T> w(weight_size(shape), T(1));
  AlignedVector<T> y(output_size(shape), T(5));
  convolve<T>(shape, w.data(), nullptr, 0, y.data(), y.data(), 0);
  convolve_transposed<T>(shape, w.data(), y.data(), y.data(), 0);
  convolution_weight_gradient<T>(shape, y.data(), y.data(), w.data(), 0);
  CHECK(std::all_of(y.begin(), y.end(), [](T yi) { return yi == T(5); }));
  CHECK(std::all_of(w.begin(), w.end(), [](T wi) { return wi == T(1); }));
}

double dot(const AlignedVector<double>& a, const AlignedVector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// <u, w * v> is linear in u, v and w: the gradient of each, times what it is the gradient of, is
// the number itself.
TEST_CASE("convolve, its adjoint and its weight gradient belong together") {
  for_shapes([](const ConvolutionShape& shape) {
    INFO_SHAPE(shape);
    const std::size_t groups = 2;
    Rng rng = rng_of(shape);
    const AlignedVector<double> w = normal_numbers<double>(rng, weight_size(shape));
    const AlignedVector<double> v = normal_numbers<double>(rng, groups * input_size(shape));
    const AlignedVector<double> u = normal_numbers<double>(rng, groups * output_size(shape));
    AlignedVector<double> wv(u.size()), adjoint(v.size()), dw(w.size());
    convolve<double>(shape, w.data(), nullptr, 0, v.data(), wv.data(), groups);
    convolve_transposed(shape, w.data(), u.data(), adjoint.data(), groups);
    convolution_weight_gradient(shape, u.data(), v.data(), dw.data(), groups);
    const double value = dot(u, wv);
    // The sum has terms of both signs: what rounding errors compare with is their size.
    const double size = std::sqrt(dot(u, u) * dot(wv, wv));
    CHECK(std::fabs(dot(adjoint, v) - value) <= kRounding.relative * size);
    CHECK(std::fabs(dot(dw, w) - value) <= kRounding.relative * size);
  });
}

TEST_CASE_TEMPLATE("an image has the same bits whatever stands beside it", T, float, double) {
  for (const ConvolutionShape& shape : {ConvolutionShape{7, 7, 5, 9, 3},
                                        {14, 14, 4, 8, 3},
                                        {1, 1, 3, 2, 3},
                                        {5, 9, 2, 3, 5},
                                        {4, 6, 3, 5, 1}}) {
    INFO_SHAPE(shape);
    const std::size_t groups = 3, lane = 3;
    Rng rng = rng_of(shape);
    const AlignedVector<T> w = normal_numbers<T>(rng, weight_size(shape));
    const AlignedVector<T> bias = normal_numbers<T>(rng, shape.outputs);
    // What `kernel` makes of all groups at once has, in lane 3 of each, the bits of what it makes
    // of that image alone in all lanes of a single group.
    const auto check = [&](std::size_t from_size, std::size_t to_size, const auto& kernel) {
      const AlignedVector<T> from = normal_numbers<T>(rng, groups * from_size);
      AlignedVector<T> together(groups * to_size), alone(to_size), image(from_size);
      kernel(from.data(), together.data(), groups);
      for (std::size_t g = 0; g < groups; ++g) {
        for (std::size_t i = 0; i < from_size; ++i) {
          image[i] = from[g * from_size + i / kLanes * kLanes + lane];
        }
        kernel(image.data(), alone.data(), 1);
        bool same = true;
        for (std::size_t i = 0; i < to_size; ++i) {
          same = same && alone[i] == together[g * to_size + i / kLanes * kLanes + lane];
        }
        CHECK(same);
      }
    };
    check(input_size(shape), output_size(shape), [&](const T* x, T* y, std::size_t g) {
      convolve(shape, w.data(), bias.data(), g, x, y, g);
    });
    check(output_size(shape), input_size(shape), [&](const T* dy, T* dx, std::size_t g) {
      convolve_transposed(shape, w.data(), dy, dx, g);
    });
  }
}

TEST_CASE_TEMPLATE("the weight gradient has the same bits every time", T, float, double) {
  const ConvolutionShape shape{7, 7, 6, 5, 3};
  Rng rng = rng_of(shape);
  const AlignedVector<T> dy = normal_numbers<T>(rng, 2 * output_size(shape));
  const AlignedVector<T> x = normal_numbers<T>(rng, 2 * input_size(shape));
  const auto gradient = [&] {
    AlignedVector<T> dw(weight_size(shape));
    convolution_weight_gradient(shape, dy.data(), x.data(), dw.data(), 2);
    return dw;
  };
  const AlignedVector<T> first = gradient();
  // Another shape in between: what the kernel keeps between calls must not matter.
  check_weight_gradient<T>({3, 3, 9, 9, 5}, 1);
  CHECK((gradient() == first));
}

}  // namespace
}  // namespace iflow::kernels
