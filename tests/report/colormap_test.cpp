#include "report/colormap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace iflow {
namespace {

struct Lab {
  double lightness;
  double a;
  double b;
};

double linear(double encoded) {
  return encoded <= 0.04045 ? encoded / 12.92 : std::pow((encoded + 0.055) / 1.055, 2.4);
}

// The published forward transform; the map itself is built from the published inverse.
Lab oklab(Rgb c) {
  const double r = linear(c.r), g = linear(c.g), b = linear(c.b);
  const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

double distance(Lab p, Lab q) {
  return std::hypot(p.lightness - q.lightness, p.a - q.a, p.b - q.b);
}

constexpr int kSteps = 256;

Lab at(int i) { return oklab(colormap(double(i) / kSteps)); }

TEST_CASE("lightness rises evenly from dark to bright") {
  CHECK(at(0).lightness < 0.16);
  CHECK(at(kSteps).lightness > 0.93);
  const double step = (at(kSteps).lightness - at(0).lightness) / kSteps;
  for (int i = 1; i <= kSteps; ++i) {
    CHECK(at(i).lightness - at(i - 1).lightness == doctest::Approx(step).epsilon(0.01));
  }
}

TEST_CASE("equal steps are equal distances in OKLab, so no colour was cut to the gamut") {
  double shortest = 1, longest = 0;
  for (int i = 1; i <= kSteps; ++i) {
    const double d = distance(at(i - 1), at(i));
    shortest = std::min(shortest, d);
    longest = std::max(longest, d);
  }
  CHECK(longest / shortest < 1.01);
}

TEST_CASE("the map is colourful, stays within [0, 1] and clamps its argument") {
  double most_chroma = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const Rgb c = colormap(double(i) / kSteps);
    for (const double component : {c.r, c.g, c.b}) {
      CHECK(component >= 0);
      CHECK(component <= 1);
    }
    most_chroma = std::max(most_chroma, std::hypot(at(i).a, at(i).b));
  }
  CHECK(most_chroma > 0.15);
  // The compiler may fold the clamped ends at compile time, to other last bits.
  CHECK(distance(oklab(colormap(-3)), at(0)) < 1e-12);
  CHECK(distance(oklab(colormap(1.5)), at(kSteps)) < 1e-12);
}

}  // namespace
}  // namespace iflow
