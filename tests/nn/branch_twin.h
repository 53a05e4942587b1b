// A dense branch once more, in long double and plain loops: what the rounding errors of the real
// one are measured against. It shares nothing with it but the numbers.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "nn/dense_branch.h"
#include "nn/parameters.h"

namespace iflow {

using Wide = long double;

inline Wide wide_norm(const std::vector<Wide>& x) {
  Wide sum = 0;
  for (const Wide xi : x) sum += xi * xi;
  return std::sqrt(sum);
}

// Numbers of the parameter of that name.
inline std::vector<Wide> wide_parameter(const ParameterLayout& layout,
                                        const std::vector<double>& values,
                                        const std::string& name) {
  for (const ParameterInfo& info : layout.entries()) {
    if (info.name != name) continue;
    const double* first = values.data() + info.offset;
    return {first, first + info.size()};
  }
  return {};
}

class BranchTwin {
 public:
  BranchTwin(const DenseBranchConfig& config, const ParameterLayout& layout,
             const std::vector<double>& values, const std::string& prefix)
      : dimension_(config.dimension),
        activation_(config.activation),
        activation_first_(config.activation_first) {
    for (std::size_t i = 0; i <= config.hidden.size(); ++i) {
      const std::string name = prefix + "." + std::to_string(i);
      const std::vector<Wide> raw = wide_parameter(layout, values, name + ".activation");
      layers_.push_back({wide_parameter(layout, values, name + ".weight"),
                         wide_parameter(layout, values, name + ".bias"),
                         wide_parameter(layout, values, name + ".condition"),
                         raw.empty() ? 1 : std::log1p(std::exp(raw[0]))});
    }
  }

  struct Result {
    std::vector<Wide> value;     // g(x)
    std::vector<Wide> jacobian;  // (d, d) row-major
  };

  // `condition`: c, where the branch takes one; none is zero.
  Result operator()(const std::vector<Wide>& x, const std::vector<Wide>& condition = {}) const {
    const std::size_t d = dimension_;
    std::vector<Wide> a = x, tangents(d * d, 0);  // tangents: (elements, d)
    for (std::size_t i = 0; i < d; ++i) tangents[i * (d + 1)] = 1;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
      if (i > 0 || activation_first_) activate(layer.a, a, tangents);
      const std::size_t rows = layer.bias.size(), columns = a.size();
      std::vector<Wide> y = layer.bias, t(rows * d, 0);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          const Wide w = layer.weight[r * columns + c];
          y[r] += w * a[c];
          for (std::size_t j = 0; j < d; ++j) t[r * d + j] += w * tangents[c * d + j];
        }
      }
      for (std::size_t k = 0; k < layer.condition.size() && !condition.empty(); ++k) {
        y[k / condition.size()] += layer.condition[k] * condition[k % condition.size()];
      }
      a = y;
      tangents = t;
    }
    return {a, tangents};
  }

 private:
  struct Layer {
    std::vector<Wide> weight, bias, condition;
    Wide a;
  };

  struct Slope {
    Wide value, slope;
  };
  Slope phi(Wide a, Wide z) const {
    if (activation_ == "sine") return {std::sin(a * z) / a, std::cos(a * z)};
    if (activation_ == "relu") return {z > 0 ? z : 0, z > 0 ? 1.0L : 0.0L};
    if (activation_ == "elu") return {z > 0 ? z : std::expm1(z), z > 0 ? 1 : std::exp(z)};
    if (activation_ == "tanh") return {std::tanh(z), 1 - std::tanh(z) * std::tanh(z)};
    const Wide s = 1 / (1 + std::exp(-a * z));
    if (activation_ == "sigmoid") return {s, s * (1 - s)};
    const Wide scale = activation_ == "clipswish" ? 1.1L * 1.004L : 1.1L;
    return {z * s / scale, (s + a * z * s * (1 - s)) / scale};
  }

  void activate(Wide a, std::vector<Wide>& x, std::vector<Wide>& tangents) const {
    const std::size_t n = x.size(), d = dimension_;
    const std::size_t images = activation_ == "clipswish" ? 2 : 1;
    std::vector<Wide> y, t;
    for (std::size_t image = 0; image < images; ++image) {
      const Wide sign = image == 0 ? 1 : -1;
      for (std::size_t i = 0; i < n; ++i) {
        const Slope at = phi(a, sign * x[i]);
        y.push_back(at.value);
        for (std::size_t j = 0; j < d; ++j) t.push_back(sign * at.slope * tangents[i * d + j]);
      }
    }
    x = y;
    tangents = t;
  }

  std::size_t dimension_;
  std::string activation_;
  bool activation_first_;
  std::vector<Layer> layers_;
};

}  // namespace iflow
