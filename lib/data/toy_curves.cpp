#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "data/toy_math.h"
#include "data/toy_recipes.h"

// A curve under noise is a mixture with one component per node of a quadrature along the curve.
// Panels of about three noise widths with fourteen Gauss-Legendre nodes resolve a Gaussian to
// rounding, and its tail at ten noise widths to ten digits.

namespace iflow {

namespace {

using std::numbers::pi;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kNodesPerPanel = 14;
// Components below exp(-37) of the nearest one, 1e-16, are left out.
constexpr double kNegligible = 37;

constexpr double kMoonNoise = 2 * 0.1;
constexpr double kRollNoise = 1.0 / 5;
constexpr double kSpiralNoise = 0.1;
constexpr double kSpiralBox = 0.5 / 3;

struct Component {
  double c1, c2;  // centre
  double weight;  // all of a mixture's sum to 1
};

// Panel edges along the spiral t (cos t, sin t): its arc length grows at the rate sqrt(1 + t^2),
// hence about evenly with (1 + t)^2.
std::vector<double> evenly_along_spiral(double from, double to, int panels) {
  std::vector<double> edges;
  for (int j = 0; j <= panels; ++j) {
    const double s = static_cast<double>(j) / panels;
    edges.push_back(std::sqrt((1 - s) * (1 + from) * (1 + from) + s * (1 + to) * (1 + to)) - 1);
  }
  return edges;
}

std::vector<double> evenly(double from, double to, int panels) {
  std::vector<double> edges;
  for (int j = 0; j <= panels; ++j) edges.push_back(from + (to - from) * j / panels);
  return edges;
}

// ln of sum_k weight_k N(x; c_k, noise^2 I).
double log_gaussian_mixture(const std::vector<Component>& components, double noise, double x1,
                            double x2) {
  const auto square_distance = [&](const Component& c) {
    return (x1 - c.c1) * (x1 - c.c1) + (x2 - c.c2) * (x2 - c.c2);
  };
  double nearest = kInfinity;
  for (const Component& c : components) nearest = std::min(nearest, square_distance(c));
  if (nearest == kInfinity) return -kInfinity;

  double sum = 0;
  for (const Component& c : components) {
    const double exponent = (square_distance(c) - nearest) / (2 * noise * noise);
    if (exponent < kNegligible) sum += c.weight * std::exp(-exponent);
  }
  return std::log(sum) - nearest / (2 * noise * noise) - std::log(2 * pi * noise * noise);
}

std::vector<Component> moon_components() {
  const Quadrature q = gauss_legendre(evenly(0, pi, 12), kNodesPerPanel);
  std::vector<Component> components;
  for (std::size_t k = 0; k < q.nodes.size(); ++k) {
    const double t = q.nodes[k];
    const double weight = q.weights[k] / pi / 2;
    components.push_back({2 * std::cos(t) - 1, 2 * std::sin(t) - 0.2, weight});
    components.push_back({2 * (1 - std::cos(t)) - 1, 2 * (0.5 - std::sin(t)) - 0.2, weight});
  }
  return components;
}

std::vector<Component> roll_components() {
  const Quadrature q = gauss_legendre(evenly_along_spiral(1.5 * pi, 4.5 * pi, 30), kNodesPerPanel);
  std::vector<Component> components;
  for (std::size_t k = 0; k < q.nodes.size(); ++k) {
    const double t = q.nodes[k];
    components.push_back({t * std::cos(t) / 5, t * std::sin(t) / 5, q.weights[k] / (3 * pi)});
  }
  return components;
}

// The arm with the plus sign. m = 3 pi sqrt(U) has the density 2 m / (3 pi)^2.
std::vector<Component> spiral_components() {
  const Quadrature q = gauss_legendre(evenly_along_spiral(0, 3 * pi, 60), kNodesPerPanel);
  std::vector<Component> components;
  for (std::size_t k = 0; k < q.nodes.size(); ++k) {
    const double m = q.nodes[k];
    components.push_back(
        {-m * std::cos(m) / 3, m * std::sin(m) / 3, q.weights[k] * 2 * m / (9 * pi * pi)});
  }
  return components;
}

// The density at y of b U + s N, b = kSpiralBox and s = kSpiralNoise, is
//   (Phi(y / s) - Phi((y - b) / s)) / b = exp(-d^2 / 2s^2) blur_factor(y),
// d = blur_distance(y) being the distance of y from [0, b].
double blur_distance(double y) { return std::max({-y, y - kSpiralBox, 0.0}); }

double blur_factor(double y) {
  constexpr double kScale = kSpiralNoise * std::numbers::sqrt2;
  const double near = std::min(y, kSpiralBox - y) / kScale;  // the density is even about b / 2
  const double width = kSpiralBox / kScale;
  if (near > 0) return (std::erf(near) + std::erf(width - near)) / (2 * kSpiralBox);
  return (scaled_erfc(-near) - std::exp(-width * (width - 2 * near)) * scaled_erfc(width - near)) /
         (2 * kSpiralBox);
}

}  // namespace

std::array<double, 2> draw_moons(Rng& rng) {
  const double t = pi * rng.uniform();
  const bool upper = rng.below(2) == 0;
  const double n1 = rng.normal();
  const double n2 = rng.normal();
  const double y1 = upper ? std::cos(t) : 1 - std::cos(t);
  const double y2 = upper ? std::sin(t) : 0.5 - std::sin(t);
  return {2 * y1 + kMoonNoise * n1 - 1, 2 * y2 + kMoonNoise * n2 - 0.2};
}

double log_density_moons(double x1, double x2) {
  static const std::vector<Component> components = moon_components();
  return log_gaussian_mixture(components, kMoonNoise, x1, x2);
}

std::array<double, 2> draw_swissroll(Rng& rng) {
  const double t = 1.5 * pi * (1 + 2 * rng.uniform());
  const double n1 = rng.normal();
  const double n2 = rng.normal();
  return {t * std::cos(t) / 5 + kRollNoise * n1, t * std::sin(t) / 5 + kRollNoise * n2};
}

double log_density_swissroll(double x1, double x2) {
  static const std::vector<Component> components = roll_components();
  return log_gaussian_mixture(components, kRollNoise, x1, x2);
}

std::array<double, 2> draw_2spirals(Rng& rng) {
  const double m = 3 * pi * std::sqrt(rng.uniform());
  const double u1 = rng.uniform();
  const double u2 = rng.uniform();
  const double sign = rng.below(2) == 0 ? 1 : -1;
  const double n1 = rng.normal();
  const double n2 = rng.normal();
  return {sign * (-m * std::cos(m) / 3 + kSpiralBox * u1) + kSpiralNoise * n1,
          sign * (m * std::sin(m) / 3 + kSpiralBox * u2) + kSpiralNoise * n2};
}

// p(x) = (q(x) + q(-x)) / 2, q(x) = int p(m) blur(x1 - c1(m)) blur(x2 - c2(m)) dm the plus arm's.
double log_density_2spirals(double x1, double x2) {
  static const std::vector<Component> arm = spiral_components();
  const auto exponent = [](const Component& c, double y1, double y2) {
    const double d1 = blur_distance(y1 - c.c1);
    const double d2 = blur_distance(y2 - c.c2);
    return (d1 * d1 + d2 * d2) / (2 * kSpiralNoise * kSpiralNoise);
  };
  double smallest = kInfinity;
  for (const Component& c : arm) {
    smallest = std::min({smallest, exponent(c, x1, x2), exponent(c, -x1, -x2)});
  }
  if (smallest == kInfinity) return -kInfinity;

  double sum = 0;
  for (const double sign : {1.0, -1.0}) {
    for (const Component& c : arm) {
      const double excess = exponent(c, sign * x1, sign * x2) - smallest;
      if (excess < kNegligible) {
        sum += c.weight * std::exp(-excess) * blur_factor(sign * x1 - c.c1) *
               blur_factor(sign * x2 - c.c2);
      }
    }
  }
  return std::log(sum / 2) - smallest;
}

}  // namespace iflow
