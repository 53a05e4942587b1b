#include "bench/convolutions.h"

#include <cstdio>
#include <functional>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/rng.h"
#include "bench/measure.h"
#include "kernels/convolution.h"
#include "kernels/matmul.h"
#include "kernels/reference.h"
#include "kernels/simd.h"
#include "report/text_table.h"
#include "support/numbers.h"

namespace iflow {

namespace {

using kernels::ConvolutionShape;
using Numbers = AlignedVector<float>;

std::string name(const ConvolutionShape& shape) {
  const std::string side = std::to_string(shape.side);
  return side + "x" + side + ", " + std::to_string(shape.height) + "x" +
         std::to_string(shape.width) + ", " + std::to_string(shape.inputs) + " -> " +
         std::to_string(shape.outputs);
}

// The tensors of one layer and the kernels on them. Layers of side 1 are matrix products.
class Layer {
 public:
  Layer(const ConvolutionShape& shape, std::size_t groups)
      : shape_(shape), groups_(groups), pixel_groups_(groups * shape.pixels()) {
    Rng rng(1, RngPurpose::kTest);
    w_ = whole_numbers<float>(rng, shape.outputs * shape.columns());
    x_ = whole_numbers<float>(rng, pixel_groups_ * shape.inputs * kLanes);
    dy_ = whole_numbers<float>(rng, pixel_groups_ * shape.outputs * kLanes);
    y_.resize(dy_.size());
    dx_.resize(x_.size());
    dw_.resize(w_.size());
  }

  void forward() {
    if (shape_.side > 1) {
      kernels::convolve<float>(shape_, w_.data(), nullptr, 0, x_.data(), y_.data(), groups_);
    } else {
      kernels::matmul(view(), x_.data(), y_.data(), pixel_groups_, false);
    }
  }
  void input_gradient() {
    if (shape_.side > 1) {
      kernels::convolve_transposed(shape_, w_.data(), dy_.data(), dx_.data(), groups_);
    } else {
      kernels::matmul(view().transposed(), dy_.data(), dx_.data(), pixel_groups_, false);
    }
  }
  void weight_gradient() {
    if (shape_.side > 1) {
      kernels::convolution_weight_gradient(shape_, dy_.data(), x_.data(), dw_.data(), groups_);
    } else {
      kernels::weight_gradient(dy_.data(), x_.data(), dw_.data(), shape_.outputs, shape_.inputs,
                               pixel_groups_);
    }
  }

  // The numbers are whole: every order of the sums has the same bits.
  void check() {
    forward();
    input_gradient();
    dw_.assign(dw_.size(), 0);
    weight_gradient();
    Numbers y(y_.size()), dx(dx_.size()), dw(dw_.size());
    namespace twin = kernels::reference;
    twin::convolve<float>(shape_, w_.data(), nullptr, 0, x_.data(), y.data(), groups_);
    twin::convolve_transposed(shape_, w_.data(), dy_.data(), dx.data(), groups_);
    twin::convolution_weight_gradient(shape_, dy_.data(), x_.data(), dw.data(), groups_);
    if (y != y_ || dx != dx_ || dw != dw_) {
      throw Error(name(shape_) + ": a kernel differs from its naive twin");
    }
  }

  double flops() const { return 2.0 * static_cast<double>(shape_.products() * groups_ * kLanes); }

 private:
  kernels::MatrixView<float> view() const {
    return kernels::row_major<float>(w_.data(), shape_.outputs, shape_.inputs);
  }

  ConvolutionShape shape_;
  std::size_t groups_, pixel_groups_;
  Numbers w_, x_, dy_, y_, dx_, dw_;
};

std::vector<std::string> measured_row(const ConvolutionShape& shape, std::size_t groups,
                                      double peak) {
  Layer layer(shape, groups);
  layer.check();
  const auto share = [&](const std::function<void()>& kernel) {
    return flops_and_share(layer.flops() / median_seconds(kernel, 5, 0.01), peak);
  };
  return {name(shape), std::to_string(groups * kLanes), share([&] { layer.forward(); }),
          share([&] { layer.input_gradient(); }), share([&] { layer.weight_gradient(); })};
}

}  // namespace

void print_convolutions(double peak) {
  // Two scales of blocks of 24 or 32 channels, 3x3, 1x1, 3x3; an activation that concatenates two
  // doubles the inputs of the layer behind it.
  const std::vector<ConvolutionShape> shapes = {
      {14, 14, 4, 24, 3}, {14, 14, 8, 24, 3},  {14, 14, 48, 24, 1}, {14, 14, 48, 4, 3},
      {14, 14, 4, 32, 3}, {14, 14, 64, 32, 1}, {14, 14, 64, 4, 3},  {7, 7, 16, 24, 3},
      {7, 7, 32, 24, 3},  {7, 7, 48, 24, 1},   {7, 7, 48, 16, 3},   {7, 7, 64, 32, 1}};
  std::vector<std::vector<std::string>> rows;
  for (const ConvolutionShape& shape : shapes) {
    for (const std::size_t groups : {1, 2}) rows.push_back(measured_row(shape, groups, peak));
  }
  std::printf(
      "Convolutions, float, one thread, GFLOP/s (share of peak); products with the zeros outside "
      "the image don't count\n%s\n",
      format_text_table({"layer", "images", "forward", "input gradient", "weight gradient"}, rows)
          .c_str());
}

}  // namespace iflow
