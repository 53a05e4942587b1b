#include "report/panels.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace iflow {
namespace {

constexpr double kWindowMargin = 0.1;
constexpr double kEqualAspectLimit = 4;
constexpr double kSaturatedMass = 0.02;

// Bilinear interpolation between the centres of the cells, level beyond the outermost; x and y in
// cells from the window's lower left corner.
double interpolate(const DensityGrid& grid, const std::vector<double>& values, double x, double y) {
  const double column = std::clamp(x - 0.5, 0.0, grid.cols - 1.0);
  const double row = std::clamp(y - 0.5, 0.0, grid.rows - 1.0);
  const int c0 = static_cast<int>(column), c1 = std::min(c0 + 1, grid.cols - 1);
  const int r0 = static_cast<int>(row), r1 = std::min(r0 + 1, grid.rows - 1);
  const auto value = [&](int r, int c) {
    return values[static_cast<std::size_t>(r) * grid.cols + c];
  };
  return std::lerp(std::lerp(value(r0, c0), value(r0, c1), column - c0),
                   std::lerp(value(r1, c0), value(r1, c1), column - c0), row - r0);
}

// In pixels.
double radius_for(std::size_t points, double panel_side) {
  constexpr double kUsualSide = 440, kSmallest = 0.8;
  const double usual = points > 20000 ? 1.3 : points > 2000 ? 1.6 : 2.6;
  return std::max(usual * panel_side / kUsualSide, kSmallest);
}

// How many dots of `radius` lie over the middle point, by crowding: the median over the points of
// the number of points in their cell of a coarse grid, times the share of the cell that a dot
// takes.
double typical_layers(const std::vector<Point>& centres, double radius) {
  constexpr int kCell = 8;  // pixels
  const auto cell = [](Point p) {
    return std::pair(static_cast<int>(p.x) / kCell, static_cast<int>(p.y) / kCell);
  };
  std::map<std::pair<int, int>, int> points_in;
  for (const Point& p : centres) ++points_in[cell(p)];
  std::vector<int> crowd;
  for (const Point& p : centres) crowd.push_back(points_in[cell(p)]);
  const auto middle = crowd.begin() + static_cast<std::ptrdiff_t>(crowd.size() / 2);
  std::nth_element(crowd.begin(), middle, crowd.end());
  return *middle * std::numbers::pi * radius * radius / (kCell * kCell);
}

// The points that touch the frame, in pixels from its top left corner.
std::vector<Point> visible_centres(const Axes& axes, std::span<const DataPoint> points,
                                   double radius) {
  const Rect& frame = axes.frame();
  std::vector<Point> centres;
  for (const DataPoint& point : points) {
    const Point p = axes.at(point.x, point.y);
    const bool visible = p.x > frame.left - radius && p.x < frame.right + radius &&
                         p.y > frame.top - radius && p.y < frame.bottom + radius;
    if (visible) centres.push_back({p.x - frame.left, p.y - frame.top});
  }
  return centres;
}

}  // namespace

Window window_around(std::span<const DataPoint> points) {
  std::vector<double> x, y;
  for (const DataPoint& p : points) {
    x.push_back(p.x);
    y.push_back(p.y);
  }
  Window window = {robust_range(std::move(x), kWindowMargin),
                   robust_range(std::move(y), kWindowMargin)};
  const double longer = std::max(window.x.span(), window.y.span());
  const double shorter = std::min(window.x.span(), window.y.span());
  if (longer >= kEqualAspectLimit * shorter) return window;
  for (Range* range : {&window.x, &window.y}) {
    const double centre = std::midpoint(range->min, range->max);
    *range = {centre - longer / 2, centre + longer / 2};
  }
  return window;
}

double cell_centre(Range range, int index, int count) {
  return range.min + range.span() * ((index + 0.5) / count);
}

void check_points(std::span<const DataPoint> points, const std::string& what) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!std::isfinite(points[i].x) || !std::isfinite(points[i].y)) {
      throw NumericError(what + ": point " + std::to_string(i + 1) + " is not finite");
    }
  }
}

void check_density(const DensityGrid& grid) {
  if (grid.rows < 1 || grid.cols < 1 ||
      grid.p.size() != static_cast<std::size_t>(grid.rows) * grid.cols) {
    throw NumericError("density: " + std::to_string(grid.p.size()) + " values are no grid of " +
                       std::to_string(grid.rows) + " x " + std::to_string(grid.cols));
  }
  for (std::size_t i = 0; i < grid.p.size(); ++i) {
    if (!std::isfinite(grid.p[i]) || grid.p[i] < 0) {
      throw NumericError("density: the value in row " + std::to_string(i / grid.cols + 1) +
                         ", column " + std::to_string(i % grid.cols + 1) +
                         " of the grid is negative or not finite");
    }
  }
}

double top_level(std::vector<double> p) {
  std::sort(p.begin(), p.end(), std::greater<>());
  const double largest = p.front();
  if (largest == 0) return 0;
  double mass = 0;  // in units of `largest`, so that no sum overflows
  for (const double v : p) mass += v / largest;
  double above = 0;
  for (const double v : p) {
    above += v / largest;
    if (above > kSaturatedMass * mass) return v;
  }
  return p.back();
}

double brightness(double p, double p_top) {
  return p_top > 0 ? std::sqrt(std::min(1.0, p / p_top)) : 0;
}

void draw_density(Canvas& canvas, const Rect& frame, const DensityGrid& grid, double p_top) {
  std::vector<double> shade(grid.p.size());
  for (std::size_t i = 0; i < shade.size(); ++i) shade[i] = brightness(grid.p[i], p_top);
  const int left = static_cast<int>(frame.left), right = static_cast<int>(frame.right);
  const int top = static_cast<int>(frame.top), bottom = static_cast<int>(frame.bottom);
  for (int row = top; row < bottom; ++row) {
    const double y = grid.rows * (bottom - row - 0.5) / (bottom - top);
    for (int column = left; column < right; ++column) {
      const double x = grid.cols * (column - left + 0.5) / (right - left);
      canvas.set_pixel(column, row, colormap(interpolate(grid, shade, x, y)));
    }
  }
}

// The layers are of light, whose sum the colour map shows as it shows a density. The typical point
// lies under about kTypicalLayers full ones: single points still show, crowds keep their shape.
void draw_points(Canvas& canvas, const Axes& axes, std::span<const DataPoint> points) {
  constexpr double kTypicalLayers = 1.5;
  const double radius = radius_for(points.size(), axes.frame().width());
  const std::vector<Point> centres = visible_centres(axes, points, radius);
  Canvas light(static_cast<int>(axes.frame().width()), static_cast<int>(axes.frame().height()),
               {0, 0, 0});
  if (!centres.empty()) {
    const double layers = typical_layers(centres, radius);
    const double alpha = std::clamp(kTypicalLayers / layers, 0.03, 0.85);
    for (const Point& p : centres) light.fill_disc(p, radius, {{1, 1, 1}, alpha});
  }
  for (int row = 0; row < light.height(); ++row) {
    for (int column = 0; column < light.width(); ++column) {
      canvas.set_pixel(static_cast<int>(axes.frame().left) + column,
                       static_cast<int>(axes.frame().top) + row,
                       colormap(light.pixel(column, row).r));
    }
  }
}

}  // namespace iflow
