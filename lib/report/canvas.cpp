#include "report/canvas.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/error.h"
#include "report/stroke_font.h"
#include "report/utf8.h"

namespace iflow {
namespace {

constexpr int kLargestSide = 16384;
constexpr double kPenWidth = 0.088;  // of a glyph's strokes, in em

int checked_side(const char* name, int side) {
  if (side < 1 || side > kLargestSide) {
    throw Error(std::string("picture ") + name + " of " + std::to_string(side) +
                " pixels is not within 1 to " + std::to_string(kLargestSide));
  }
  return side;
}

// Distance of p from the segment from a to b.
double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  const double along = length2 > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 : 0;
  const double s = std::clamp(along, 0.0, 1.0);
  return std::hypot(p.x - a.x - s * dx, p.y - a.y - s * dy);
}

// The share of a pixel covered by a shape whose edge passes at signed distance `outside` from the
// pixel's centre, as if the edge were straight and parallel to a side.
double edge_coverage(double outside) { return std::clamp(0.5 - outside, 0.0, 1.0); }

// Length of [first, last] within the unit interval that begins at `start`.
double overlap(double first, double last, int start) {
  return std::max(0.0, std::min(last, start + 1.0) - std::max(first, double(start)));
}

Point pixel_centre(int column, int row) { return {column + 0.5, row + 0.5}; }

Rect bounds(const Polyline& line) {
  Rect box = {line[0].x, line[0].y, line[0].x, line[0].y};
  for (const Point& p : line) {
    box.left = std::min(box.left, p.x);
    box.top = std::min(box.top, p.y);
    box.right = std::max(box.right, p.x);
    box.bottom = std::max(box.bottom, p.y);
  }
  return box;
}

Rect united(Rect a, Rect b) {
  return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right),
          std::max(a.bottom, b.bottom)};
}

Rect grown(Rect rect, double by) {
  return {rect.left - by, rect.top - by, rect.right + by, rect.bottom + by};
}

}  // namespace

struct Canvas::PixelBox {
  int left, top, right, bottom;

  int width() const { return right - left; }
  int height() const { return bottom - top; }
  bool empty() const { return width() <= 0 || height() <= 0; }
};

Canvas::Canvas(int width, int height, Rgb background)
    : width_(checked_side("width", width)),
      height_(checked_side("height", height)),
      pixels_(static_cast<std::size_t>(width_) * height_, background),
      clip_right_(width_),
      clip_bottom_(height_) {}

void Canvas::set_clip(Rect clip) {
  const auto whole = [](double x, int limit) {
    return static_cast<int>(std::lround(std::clamp(x, 0.0, double(limit))));
  };
  clip_left_ = whole(clip.left, width_);
  clip_top_ = whole(clip.top, height_);
  clip_right_ = whole(clip.right, width_);
  clip_bottom_ = whole(clip.bottom, height_);
}

Rect Canvas::clip() const {
  return {double(clip_left_), double(clip_top_), double(clip_right_), double(clip_bottom_)};
}

// The pixels within the clip rectangle that `rect` touches.
Canvas::PixelBox Canvas::pixels_of(Rect rect) const {
  const auto within = [](double x, int low, int high) {
    return static_cast<int>(std::clamp(x, double(low), double(std::max(low, high))));
  };
  return {within(std::floor(rect.left), clip_left_, clip_right_),
          within(std::floor(rect.top), clip_top_, clip_bottom_),
          within(std::ceil(rect.right), clip_left_, clip_right_),
          within(std::ceil(rect.bottom), clip_top_, clip_bottom_)};
}

void Canvas::blend(std::size_t index, Rgb colour, double alpha) {
  Rgb& p = pixels_[index];
  p = {p.r + alpha * (colour.r - p.r), p.g + alpha * (colour.g - p.g),
       p.b + alpha * (colour.b - p.b)};
}

void Canvas::fill_rect(Rect rect, Paint paint) {
  const PixelBox box = pixels_of(rect);
  for (int row = box.top; row < box.bottom; ++row) {
    const double share_y = overlap(rect.top, rect.bottom, row);
    for (int column = box.left; column < box.right; ++column) {
      const double share_x = overlap(rect.left, rect.right, column);
      blend(index(column, row), paint.colour, paint.alpha * share_x * share_y);
    }
  }
}

void Canvas::stroke_rect(Rect rect, double line_width, Paint paint) {
  const Rect outer = grown(rect, line_width / 2);
  const Rect inner = grown(rect, -line_width / 2);
  fill_rect({outer.left, outer.top, outer.right, inner.top}, paint);
  fill_rect({outer.left, inner.bottom, outer.right, outer.bottom}, paint);
  fill_rect({outer.left, inner.top, inner.left, inner.bottom}, paint);
  fill_rect({inner.right, inner.top, outer.right, inner.bottom}, paint);
}

void Canvas::fill_disc(Point centre, double radius, Paint paint) {
  const PixelBox box = pixels_of(grown({centre.x, centre.y, centre.x, centre.y}, radius + 0.5));
  for (int row = box.top; row < box.bottom; ++row) {
    for (int column = box.left; column < box.right; ++column) {
      const Point p = pixel_centre(column, row);
      const double outside = std::hypot(p.x - centre.x, p.y - centre.y) - radius;
      blend(index(column, row), paint.colour, paint.alpha * edge_coverage(outside));
    }
  }
}

void Canvas::stroke(const std::vector<Polyline>& lines, double line_width, Paint paint) {
  const double half_width = line_width / 2;
  const double reach = half_width + 0.5;  // no pixel with its centre further away is touched

  bool any = false;
  Rect extent;
  for (const Polyline& line : lines) {
    if (line.empty()) continue;
    extent = any ? united(extent, bounds(line)) : bounds(line);
    any = true;
  }
  if (!any) return;
  const PixelBox box = pixels_of(grown(extent, reach));
  if (box.empty()) return;

  std::vector<float> coverage(static_cast<std::size_t>(box.width()) * box.height(), 0.0f);
  const auto cover = [&](Point a, Point b) {
    const PixelBox near = pixels_of(grown(bounds({a, b}), reach));
    for (int row = near.top; row < near.bottom; ++row) {
      for (int column = near.left; column < near.right; ++column) {
        const double outside = distance_to_segment(pixel_centre(column, row), a, b) - half_width;
        float& c =
            coverage[static_cast<std::size_t>(row - box.top) * box.width() + column - box.left];
        c = std::max(c, static_cast<float>(edge_coverage(outside)));
      }
    }
  };
  for (const Polyline& line : lines) {
    if (line.size() == 1) cover(line[0], line[0]);
    for (std::size_t i = 1; i < line.size(); ++i) cover(line[i - 1], line[i]);
  }
  for (int row = box.top; row < box.bottom; ++row) {
    for (int column = box.left; column < box.right; ++column) {
      const float c =
          coverage[static_cast<std::size_t>(row - box.top) * box.width() + column - box.left];
      blend(index(column, row), paint.colour, paint.alpha * c);
    }
  }
}

void Canvas::stroke_line(Point from, Point to, double line_width, Paint paint) {
  stroke({{from, to}}, line_width, paint);
}

void Canvas::draw_text(Point baseline, std::string_view utf8, const TextStyle& style) {
  const double width = text_width(utf8, style.size);
  double along = 0;  // from `baseline` in the direction of writing
  if (style.align == TextAlign::kCentre) along = -width / 2;
  if (style.align == TextAlign::kRight) along = -width;

  const double line_width = style.size * kPenWidth;
  for (const char32_t c : decode_utf8(utf8)) {
    const Glyph& glyph = stroke_font_glyph(c);
    std::vector<Polyline> strokes = glyph.strokes;
    for (Polyline& line : strokes) {
      for (Point& p : line) {
        const double right = along + style.size * p.x;
        const double up = style.size * p.y;
        p = style.upwards ? Point{baseline.x - up, baseline.y - right}
                          : Point{baseline.x + right, baseline.y - up};
      }
    }
    stroke(strokes, line_width, style.paint);
    along += style.size * glyph.advance;
  }
}

std::vector<unsigned char> Canvas::rgb_bytes() const {
  std::vector<unsigned char> bytes;
  bytes.reserve(3 * pixels_.size());
  const auto append = [&](double component) {
    bytes.push_back(static_cast<unsigned char>(std::lround(255 * std::clamp(component, 0.0, 1.0))));
  };
  for (const Rgb& p : pixels_) {
    append(p.r);
    append(p.g);
    append(p.b);
  }
  return bytes;
}

double text_width(std::string_view utf8, double size) {
  double width = 0;
  for (const char32_t c : decode_utf8(utf8)) width += size * stroke_font_glyph(c).advance;
  return width;
}

std::string shortened(std::string_view utf8, double size, double width) {
  if (text_width(utf8, size) <= width) return std::string(utf8);
  const std::string ellipsis = "…";
  std::u32string kept = decode_utf8(utf8);
  while (!kept.empty() && text_width(encode_utf8(kept) + ellipsis, size) > width) kept.pop_back();
  return encode_utf8(kept) + ellipsis;
}

}  // namespace iflow
