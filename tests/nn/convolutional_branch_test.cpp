#include "nn/convolutional_branch.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "flow/lanes.h"

namespace iflow {
namespace {

struct Recorded {
  std::vector<float> output, input_adjoint, gradients;
};

// g on the values and two tangents of random x with random adjoints, recorded from nothing or from
// its linearisation.
Recorded record(const ConvolutionalBranchConfig& config, bool is_linearised) {
  constexpr std::size_t kGroups = 2, kTangents = 2;
  ParameterLayout layout;
  const ConvolutionalBranch<float> g(config, layout, "branch");
  AlignedVector<float> values(layout.size()), gradients(layout.size(), 0);
  g.initialise(layout, values, 1);
  Tape<float> tape(true);
  const Pass<float> pass{tape, layout, values.data(), gradients.data()};
  Rng rng(7, RngPurpose::kTest);
  const auto fill = [&](float* to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<float>(rng.normal());
  };
  const Var x = tape.variable(config.image.size(), (1 + kTangents) * kGroups);
  fill(tape.value(x), x.size());
  const Var y = is_linearised ? g.forward_at(pass, g.linearise(pass, tape.value(x), kGroups), x)
                              : g.forward(pass, x, kGroups);
  fill(tape.adjoint(y).data, y.size());
  tape.backward();
  const float* dx = tape.adjoint(x).data;
  return {{tape.value(y), tape.value(y) + y.size()},
          {dx, dx + x.size()},
          {gradients.begin(), gradients.end()}};
}

TEST_CASE("convolutional branch: recorded from its linearisation, the same to the bit") {
  for (const bool activation_first : {true, false}) {
    ConvolutionalBranchConfig config;
    config.image = {4, 6, 4};
    config.filters = {5, 7};
    config.sides = {3, 1, 3};
    config.activation_first = activation_first;
    const Recorded plain = record(config, false), linearised = record(config, true);
    CHECK(linearised.output == plain.output);
    CHECK(linearised.input_adjoint == plain.input_adjoint);
    CHECK(linearised.gradients == plain.gradients);
  }
}

}  // namespace
}  // namespace iflow
