#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "data/toy_math.h"
#include "data/toy_recipes.h"

namespace iflow {

namespace {

using std::numbers::pi;

constexpr std::array kCircleRadii = {3.0, 1.5};
constexpr double kCircleNoise = 0.24;
constexpr std::array kRingRadii = {3.0, 2.25, 1.5, 0.75};
constexpr double kRingNoise = 0.08;
constexpr double kGaussianShrink = 1.414;
constexpr double kGaussianRadius = 4 / kGaussianShrink;
constexpr double kGaussianNoise = 0.5 / kGaussianShrink;

std::array<double, 2> draw_ring(Rng& rng, std::span<const double> radii, double noise) {
  const double radius = radii[rng.below(radii.size())];
  const double angle = 2 * pi * rng.uniform();
  const double n1 = rng.normal();
  const double n2 = rng.normal();
  return {radius * std::cos(angle) + noise * n1, radius * std::sin(angle) + noise * n2};
}

// A circle of radius R under noise s has at distance r from the centre the density
//   exp(-(r^2 + R^2) / 2s^2) I0(r R / s^2) / (2 pi s^2).
double log_density_ring(double r, double radius, double noise) {
  const double u = (r - radius) / noise;
  return -u * u / 2 + std::log(scaled_bessel_i0(r * radius / (noise * noise))) -
         std::log(2 * pi * noise * noise);
}

double log_density_equal_rings(double r, std::span<const double> radii, double noise) {
  LogSumExp sum;
  for (const double radius : radii) sum.add(log_density_ring(r, radius, noise));
  return sum.value() - std::log(static_cast<double>(radii.size()));
}

}  // namespace

std::array<double, 2> draw_circles(Rng& rng) { return draw_ring(rng, kCircleRadii, kCircleNoise); }

double log_density_circles(double x1, double x2) {
  return log_density_equal_rings(std::hypot(x1, x2), kCircleRadii, kCircleNoise);
}

std::array<double, 2> draw_rings(Rng& rng) { return draw_ring(rng, kRingRadii, kRingNoise); }

double log_density_rings(double x1, double x2) {
  return log_density_equal_rings(std::hypot(x1, x2), kRingRadii, kRingNoise);
}

std::array<double, 2> draw_8gaussians(Rng& rng) {
  const double angle = static_cast<double>(rng.below(8)) * pi / 4;
  const double n1 = rng.normal();
  const double n2 = rng.normal();
  return {kGaussianRadius * std::cos(angle) + kGaussianNoise * n1,
          kGaussianRadius * std::sin(angle) + kGaussianNoise * n2};
}

double log_density_8gaussians(double x1, double x2) {
  LogSumExp sum;
  for (int k = 0; k < 8; ++k) {
    const double u1 = (x1 - kGaussianRadius * std::cos(k * pi / 4)) / kGaussianNoise;
    const double u2 = (x2 - kGaussianRadius * std::sin(k * pi / 4)) / kGaussianNoise;
    sum.add(-(u1 * u1 + u2 * u2) / 2);
  }
  return sum.value() - std::log(8 * 2 * pi * kGaussianNoise * kGaussianNoise);
}

}  // namespace iflow
