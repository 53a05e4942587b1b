#include "report/colormap.h"

#include <algorithm>
#include <cmath>

namespace iflow {
namespace {

// The helix: L from kDarkest to kBrightest; (a, b) on a circle, angles in radians.
constexpr double kDarkest = 0.14;
constexpr double kBrightest = 0.95;
constexpr double kCentreA = 0.0539;
constexpr double kCentreB = 0.0224;
constexpr double kRadius = 0.1347;
constexpr double kFirstAngle = -2.0646;
constexpr double kTurn = 4.4680;

// The transfer curve of sRGB (IEC 61966-2-1), linear light to encoded value.
double srgb_encode(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

double cube(double x) { return x * x * x; }

Rgb oklab_to_srgb(double lightness, double a, double b) {
  // Cone responses, then linear light; both matrices as published by Ottosson.
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  const auto encode = [](double linear) { return srgb_encode(std::clamp(linear, 0.0, 1.0)); };
  return {encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

}  // namespace

Rgb colormap(double t) {
  t = std::clamp(t, 0.0, 1.0);
  const double angle = kFirstAngle + kTurn * t;
  return oklab_to_srgb(kDarkest + (kBrightest - kDarkest) * t, kCentreA + kRadius * std::cos(angle),
                       kCentreB + kRadius * std::sin(angle));
}

}  // namespace iflow
