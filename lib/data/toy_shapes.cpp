#include "data/toy_shapes.h"

#include <cmath>
#include <numbers>

#include "base/rng.h"

namespace iflow {
namespace {

constexpr std::size_t kSide = 8;
constexpr std::uint32_t kStream = 100;  // differs from those of the toys with a density

struct Shape {
  double x, y;  // the centre
  bool is_disc;
  double radius;        // of a disc; half the width of a bar
  double cosine, sine;  // of a bar's angle

  bool covers(double px, double py) const {
    constexpr double kHalfLength = 3;
    const double dx = px - x, dy = py - y;
    if (is_disc) return dx * dx + dy * dy <= radius * radius;
    const double along = cosine * dx + sine * dy, across = cosine * dy - sine * dx;
    return std::fabs(along) <= kHalfLength && std::fabs(across) <= radius;
  }
};

Shape draw_shape(Rng& rng) {
  Shape shape{};
  shape.x = 2.5 + 3 * rng.uniform();
  shape.y = 2.5 + 3 * rng.uniform();
  shape.is_disc = rng.below(2) == 0;
  const double u = rng.uniform(), angle = std::numbers::pi * rng.uniform();
  shape.radius = shape.is_disc ? 1.5 + u : 0.5 + 0.5 * u;
  shape.cosine = std::cos(angle);
  shape.sine = std::sin(angle);
  return shape;
}

std::uint8_t pixel_of(const Shape& shape, std::size_t row, std::size_t column) {
  constexpr int kPoints = 8;  // along each side
  int covered = 0;
  for (int i = 0; i < kPoints; ++i) {
    for (int j = 0; j < kPoints; ++j) {
      const double y = static_cast<double>(row) + (i + 0.5) / kPoints;
      const double x = static_cast<double>(column) + (j + 0.5) / kPoints;
      if (shape.covers(x, y)) ++covered;
    }
  }
  return static_cast<std::uint8_t>(std::lround(255.0 * covered / (kPoints * kPoints)));
}

}  // namespace

Images sample_shapes(std::uint64_t seed, std::uint64_t first, std::size_t n) {
  Images images{{kSide, kSide, 1}, 8, {}, {}};
  images.pixels.reserve(n * images.shape.size());
  for (std::size_t i = 0; i < n; ++i) {
    Rng rng(seed, RngPurpose::kToy, first + i, kStream);
    const Shape shape = draw_shape(rng);
    for (std::size_t row = 0; row < kSide; ++row) {
      for (std::size_t column = 0; column < kSide; ++column) {
        images.pixels.push_back(pixel_of(shape, row, column));
      }
    }
  }
  return images;
}

}  // namespace iflow
