#include "report/density_figure.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "report/axes.h"
#include "report/figure_style.h"
#include "report/ticks.h"

namespace iflow {
namespace {

using figure_style::kFaintInk;
using figure_style::kInk;
using figure_style::kPaper;
using figure_style::kTickSize;
using figure_style::kTitleSize;

// Pixels, for a picture that a page shows at about half its size.
constexpr double kPanelSide = 440;
constexpr double kPanelGap = 36;
constexpr double kOuterMargin = 20;
constexpr double kTitleRoom = 48;
constexpr double kFooterLine = 48;  // from one baseline below the axes to the next
constexpr double kBarWidth = 150;
constexpr double kBarHeight = 16;
constexpr double kBarLabelGap = 12;

constexpr double kWindowMargin = 0.1;
constexpr double kEqualAspectLimit = 4;
constexpr double kSaturatedMass = 0.02;

void check_finite(std::span<const DataPoint> points, const std::string& what) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!std::isfinite(points[i].x) || !std::isfinite(points[i].y)) {
      throw NumericError(what + ": point " + std::to_string(i + 1) + " is not finite");
    }
  }
}

void check_grid(const DensityGrid& grid) {
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

// The level that only the cells with the densest kSaturatedMass of the mass exceed.
double top_level(const DensityGrid& grid) {
  std::vector<double> p = grid.p;
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

// Position on the colour map of a density.
double brightness(double p, double p_top) {
  return p_top > 0 ? std::sqrt(std::min(1.0, p / p_top)) : 0;
}

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

double radius_for(std::size_t points) {
  if (points > 20000) return 1.3;
  if (points > 2000) return 1.6;
  return 2.6;
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

// Dots in layers of light whose sum the colour map shows, as it shows a density. The typical point
// lies under about kTypicalLayers full layers: single points still show, crowds keep their shape.
void draw_scatter(Canvas& canvas, const Axes& axes, std::span<const DataPoint> points) {
  constexpr double kTypicalLayers = 1.5;
  const double radius = radius_for(points.size());
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

std::string level_text(double p) { return decimal_text(p, 2); }

constexpr std::string_view kScaleName = "density  0";

double scale_width(double p_top) {
  return text_width(kScaleName, kTickSize) + kBarLabelGap + kBarWidth + kBarLabelGap +
         text_width(level_text(p_top), kTickSize);
}

// "density 0 [bar] 0.42": linear in the density, in the colours that the panel has for it.
void draw_scale(Canvas& canvas, Point baseline_right, double p_top) {
  const TextStyle style = {.size = kTickSize, .paint = {kFaintInk}};
  const double baseline = baseline_right.y;
  const double left = baseline_right.x - scale_width(p_top);
  canvas.draw_text({left, baseline}, kScaleName, style);

  const double bar_left = std::round(left + text_width(kScaleName, kTickSize) + kBarLabelGap);
  for (int x = 0; x < kBarWidth; ++x) {
    const double p = p_top * (x + 0.5) / kBarWidth;
    canvas.fill_rect({bar_left + x, baseline - kBarHeight, bar_left + x + 1, baseline},
                     {colormap(brightness(p, p_top))});
  }
  canvas.draw_text({bar_left + kBarWidth + kBarLabelGap, baseline}, level_text(p_top), style);
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

Canvas render_density_figure(const DensityFigure& figure) {
  check_finite(figure.data, figure.data_title);
  check_finite(figure.samples, figure.samples_title);
  check_grid(figure.density);
  const double p_top = top_level(figure.density);

  const int panels = 1 + !figure.data.empty() + !figure.samples.empty();
  const double left = std::ceil(kOuterMargin + Axes::room_left(figure.window.y, kPanelSide));
  const double right = left + panels * kPanelSide + (panels - 1) * kPanelGap;
  const double bottom = kTitleRoom + kPanelSide;
  const double scale_baseline = bottom + Axes::room_below() + kFooterLine;
  // The caption stands beside the scale, or below it where it is too long.
  const double beside = right - left - scale_width(p_top) - kPanelGap;
  const bool fits_beside = text_width(figure.caption, kTickSize) <= beside;
  const double caption_baseline = scale_baseline + (fits_beside ? 0 : kFooterLine);
  Canvas canvas(static_cast<int>(right + kOuterMargin),
                static_cast<int>(std::ceil(caption_baseline + kOuterMargin)), kPaper);

  double panel_left = left;
  const auto draw_panel = [&](const std::string& title, const auto& draw_content) {
    const Rect frame = {panel_left, kTitleRoom, panel_left + kPanelSide, bottom};
    const Axes axes(frame, figure.window.x, figure.window.y);
    draw_content(axes);
    axes.draw_frame(canvas, {kInk});
    axes.draw_x_ticks(canvas);
    axes.draw_x_name(canvas, figure.x_name);
    axes.draw_y_ticks(canvas, panel_left == left);
    if (panel_left == left) axes.draw_y_name(canvas, figure.y_name);
    canvas.draw_text({(frame.left + frame.right) / 2, frame.top - 16},
                     shortened(title, kTitleSize, kPanelSide),
                     {.size = kTitleSize, .paint = {kInk}, .align = TextAlign::kCentre});
    panel_left += kPanelSide + kPanelGap;
  };
  if (!figure.data.empty()) {
    draw_panel(figure.data_title,
               [&](const Axes& axes) { draw_scatter(canvas, axes, figure.data); });
  }
  draw_panel(figure.density_title,
             [&](const Axes& axes) { draw_density(canvas, axes.frame(), figure.density, p_top); });
  if (!figure.samples.empty()) {
    draw_panel(figure.samples_title,
               [&](const Axes& axes) { draw_scatter(canvas, axes, figure.samples); });
  }

  draw_scale(canvas, {right, scale_baseline}, p_top);
  canvas.draw_text({left, caption_baseline}, shortened(figure.caption, kTickSize, right - left),
                   {.size = kTickSize, .paint = {kFaintInk}});
  return canvas;
}

}  // namespace iflow
