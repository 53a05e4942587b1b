#include "nn/branch_enclosure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/rounding.h"
#include "kernels/activation_bounds.h"
#include "kernels/clipswish.h"
#include "kernels/matmul.h"
#include "kernels/simd.h"

namespace iflow {

namespace {

using Numbers = AlignedVector<double>;

constexpr double kUnit = kUnitRoundoff<double>;

// What reaches a stage: elements [e][kLanes] of EnclosedBranch.
using State = EnclosedBranch;

// [a, sign a] of every group of `size` numbers.
Numbers mirrored(const Numbers& a, std::size_t size, double sign) {
  Numbers result;
  result.reserve(2 * a.size());
  for (std::size_t first = 0; first < a.size(); first += size) {
    for (const double s : {1.0, sign}) {
      for (std::size_t i = first; i < first + size; ++i) result.push_back(s * a[i]);
    }
  }
  return result;
}

void mirror(State& state) {
  const std::size_t size = state.value.size();
  state.value = mirrored(state.value, size, -1);
  state.rounding = mirrored(state.rounding, size, 1);
  state.reach = mirrored(state.reach, size, 1);
  state.jacobian = mirrored(state.jacobian, size, -1);
  state.jacobian_radius = mirrored(state.jacobian_radius, size, 1);
}

void activate(const EnclosedStage& stage, State& state) {
  if (stage.activation->concatenated) mirror(state);
  const std::size_t size = state.value.size(), elements = size / kLanes;
  const ActivationBounds bounds =
      activation_bounds(stage.activation->kind, stage.activation_parameter);
  const bool smooth = bounds.slope_lipschitz < std::numeric_limits<double>::infinity();
  Numbers y(size), slope(size);
  kernels::activation_forward(stage.activation->kind, stage.activation_parameter,
                              state.value.data(), y.data(), slope.data(), elements, 1, 0);
  Numbers slope_radius(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double z = std::fabs(state.value[i]), reach = state.reach[i];
    const double rounding = kUnit * (bounds.rounding + bounds.rounding_by_size * z);
    const double varied = smooth ? bounds.slope_lipschitz * reach : z > reach ? 0 : 1;
    slope_radius[i] = varied + kUnit * (bounds.slope_rounding + bounds.slope_rounding_by_size * z);
    state.rounding[i] = bounds.lipschitz * state.rounding[i] + rounding;
    state.reach[i] = bounds.lipschitz * reach + rounding;
    state.value[i] = y[i];
  }
  for (std::size_t i = 0; i < state.jacobian.size(); ++i) {
    const double t = state.jacobian[i], s = slope[i % size], radius = slope_radius[i % size];
    state.jacobian[i] = s * t;
    state.jacobian_radius[i] = (std::fabs(s) + radius) * state.jacobian_radius[i] +
                               radius * std::fabs(t) + kUnit * std::fabs(s * t) + kUnderflow;
  }
  if (!stage.activation->concatenated) return;
  // divided, as the branch does it, by what makes the pair 1-Lipschitz
  constexpr double kScale = 1 / kernels::kClipSwishLipschitz;
  const auto scale = [](Numbers& middle, Numbers* radii, std::size_t count) {
    for (std::size_t i = 0; i < middle.size(); ++i) {
      middle[i] *= kScale;
      for (std::size_t k = 0; k < count; ++k) {
        radii[k][i] = kScale * radii[k][i] + 4 * kUnit * std::fabs(middle[i]) + kUnderflow;
      }
    }
  };
  Numbers radii[] = {std::move(state.rounding), std::move(state.reach)};
  scale(state.value, radii, 2);
  state.rounding = std::move(radii[0]);
  state.reach = std::move(radii[1]);
  scale(state.jacobian, &state.jacobian_radius, 1);
}

void append_magnitudes(const Numbers& from, Numbers& to) {
  for (const double a : from) to.push_back(std::fabs(a));
}

void multiply(const EnclosedStage& stage, const double* condition, State& state) {
  const std::size_t inputs = state.jacobian.size() / state.value.size();
  const std::size_t size = stage.rows * kLanes, given = stage.condition.size() / stage.rows;
  const auto w = kernels::row_major(stage.weight.data(), stage.rows, stage.columns);
  Numbers value(size), jacobian(inputs * size);
  kernels::matmul_with_bias(w, stage.bias.data(), 1, state.value.data(), value.data(), 1);
  kernels::matmul(w, state.jacobian.data(), jacobian.data(), inputs, false);
  // |W| times |value|, what it is off by, |J| and what that is off by
  Numbers sizes;
  append_magnitudes(state.value, sizes);
  sizes.insert(sizes.end(), state.rounding.begin(), state.rounding.end());
  sizes.insert(sizes.end(), state.reach.begin(), state.reach.end());
  append_magnitudes(state.jacobian, sizes);
  sizes.insert(sizes.end(), state.jacobian_radius.begin(), state.jacobian_radius.end());
  Numbers products((3 + 2 * inputs) * size);
  kernels::matmul(kernels::row_major(stage.magnitudes.data(), stage.rows, stage.columns),
                  sizes.data(), products.data(), 3 + 2 * inputs, false);
  for (std::size_t i = 0; i < size; ++i) products[i] += std::fabs(stage.bias[i / kLanes]);
  for (std::size_t i = 0; i < given * size; ++i) {
    const std::size_t row = i / (given * kLanes), j = i / kLanes % given, lane = i % kLanes;
    const double product = stage.condition[row * given + j] * condition[j * kLanes + lane];
    value[row * kLanes + lane] += product;
    products[row * kLanes + lane] += std::fabs(product);
  }
  const double of_value = gamma(stage.columns + given + 2), of_jacobian = gamma(stage.columns);
  state.value = std::move(value);
  state.rounding.resize(size);
  state.reach.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double own = of_value * products[i] + kUnderflow;
    state.rounding[i] = (products[size + i] + own) * kUpAfterMillions;
    state.reach[i] = (products[2 * size + i] + own) * kUpAfterMillions;
  }
  state.jacobian = std::move(jacobian);
  state.jacobian_radius.resize(inputs * size);
  for (std::size_t i = 0; i < inputs * size; ++i) {
    const double own = of_jacobian * products[3 * size + i] + kUnderflow;
    state.jacobian_radius[i] = (products[(3 + inputs) * size + i] + own) * kUpAfterMillions;
  }
}

}  // namespace

BranchEnclosure::BranchEnclosure(std::vector<EnclosedStage> stages)
    : stages_(std::move(stages)), inputs_(stages_.front().columns) {
  if (stages_.front().activation && stages_.front().activation->concatenated) inputs_ /= 2;
  for (EnclosedStage& stage : stages_) {
    stage.magnitudes.clear();
    append_magnitudes(stage.weight, stage.magnitudes);
  }
}

EnclosedBranch BranchEnclosure::operator()(const double* x, const double* condition,
                                           const double* radii) const {
  const std::size_t size = inputs_ * kLanes;
  State state{Numbers(x, x + size), Numbers(size, 0), Numbers(size), Numbers(inputs_ * size, 0),
              Numbers(inputs_ * size, 0)};
  for (std::size_t i = 0; i < size; ++i) state.reach[i] = radii[i % kLanes];
  for (std::size_t j = 0; j < inputs_; ++j) {
    std::fill_n(state.jacobian.begin() + static_cast<std::ptrdiff_t>((j * inputs_ + j) * kLanes),
                kLanes, 1.0);
  }
  for (const EnclosedStage& stage : stages_) {
    if (stage.activation) activate(stage, state);
    multiply(stage, condition, state);
  }
  return state;
}

}  // namespace iflow
