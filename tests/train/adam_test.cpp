#include "train/adam.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/aligned.h"
#include "base/rng.h"
#include "support/tolerances.h"

namespace iflow {
namespace {

// Algorithm 1 of the paper, word for word, in double.
struct PaperAdam {
  double alpha, beta1, beta2, epsilon;
  std::vector<double> theta, m, v;
  int t = 0;

  void update(const std::vector<double>& g) {
    t = t + 1;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(beta1, t));
      const double v_hat = v[i] / (1 - std::pow(beta2, t));
      theta[i] = theta[i] - alpha * m_hat / (std::sqrt(v_hat) + epsilon);
    }
  }
};

TEST_CASE("adam: agrees with the paper's algorithm in double") {
  constexpr std::size_t kN = 37;
  for (const AdamConfig& config : {AdamConfig{}, AdamConfig{0.8, 0.99, 1e-3}}) {
    const double alpha = 3e-3;
    PaperAdam paper{alpha, config.beta1, config.beta2, config.epsilon, {}, {}, {}};
    paper.theta.assign(kN, 0.5);
    paper.m.assign(kN, 0);
    paper.v.assign(kN, 0);
    std::vector<float> theta(kN, 0.5F), m(kN, 0), v(kN, 0), g(kN);
    Rng rng(1, RngPurpose::kTest);
    for (std::uint64_t t = 1; t <= 300; ++t) {
      std::vector<double> wide(kN);
      for (std::size_t i = 0; i < kN; ++i) {
        g[i] = static_cast<float>(std::pow(10.0, static_cast<double>(i % 7) - 3) *
                                  (rng.normal() + 0.3));
        wide[i] = g[i];
      }
      paper.update(wide);
      adam_update({config, alpha, t}, g.data(), kN, theta.data(), m.data(), v.data());
      double worst = 0;
      for (std::size_t i = 0; i < kN; ++i) {
        worst = std::fmax(worst, std::fabs(theta[i] - paper.theta[i]));
      }
      // Each step moves by about alpha; rounding is 1e-7 of theta and some 1e-5 of the step, since
      // 1 - beta2 loses bits in float.
      CHECK(worst <= static_cast<double>(t) * (1e-7 + 2e-5 * alpha));
    }
  }
}

TEST_CASE("adam: the first step has the length of alpha against the gradient's sign") {
  const std::vector<float> g = {1e-3F, -50, 0};
  std::vector<float> theta(3, 1), m(3, 0), v(3, 0);
  adam_update({{}, 0.1, 1}, g.data(), 3, theta.data(), m.data(), v.data());
  CHECK(theta[0] == doctest::Approx(0.9).epsilon(1e-5));
  CHECK(theta[1] == doctest::Approx(1.1).epsilon(1e-5));
  CHECK(theta[2] == 1);
}

TEST_CASE("adam: the same bits wherever the numbers stand in memory") {
  constexpr std::size_t kN = 100;
  Rng rng(2, RngPurpose::kTest);
  std::vector<float> gradient(kN), expected;
  for (float& x : gradient) x = static_cast<float>(rng.normal());
  // From 0, so that theta shows every bit of the steps.
  for (std::size_t shift = 0; shift < 32; ++shift) {
    AlignedVector<float> theta(kN + 32), g(kN + 32), m(kN + 32), v(kN + 32);
    std::copy(gradient.begin(), gradient.end(), g.begin() + static_cast<std::ptrdiff_t>(shift));
    for (std::uint64_t t = 1; t <= 5; ++t) {
      adam_update({{}, 0.01, t}, g.data() + shift, kN, theta.data() + shift, m.data() + shift,
                  v.data() + shift);
    }
    const std::vector<float> got(theta.data() + shift, theta.data() + shift + kN);
    if (shift == 0) expected = got;
    INFO("shifted by ", shift);
    CHECK(got == expected);
  }
}

}  // namespace
}  // namespace iflow
