// An RGB picture to draw on, and its way into a PNG file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "report/colormap.h"

namespace iflow {

// A position in pixels: x to the right, y down, (0, 0) the top left corner of the picture; the
// pixel in column i and row j is the square from (i, j) to (i + 1, j + 1).
struct Point {
  double x = 0;
  double y = 0;
};

struct Rect {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

// What a shape is drawn with; alpha 0 leaves the picture as it is, 1 covers it.
struct Paint {
  Rgb colour;
  double alpha = 1;
};

// A line through these points in order; a single point is a dot.
using Polyline = std::vector<Point>;

// Where the point given to draw_text() lies along the text.
enum class TextAlign { kLeft, kCentre, kRight };

struct TextStyle {
  double size = 20;  // of the em in pixels; capitals are 0.7 of it high
  Paint paint;
  TextAlign align = TextAlign::kLeft;
  bool upwards = false;  // written from bottom to top, as beside a y axis
};

// Every shape is anti-aliased by the share of each pixel that it covers, and is cut off at the edge
// of the clip rectangle (at first the whole picture). Pixels are floating-point, so thousands of
// faint layers add up as they should.
class Canvas {
 public:
  // Throws Error unless both sizes are from 1 to 16384 pixels.
  Canvas(int width, int height, Rgb background);

  int width() const { return width_; }
  int height() const { return height_; }
  // Both within the picture.
  Rgb pixel(int column, int row) const { return pixels_[index(column, row)]; }
  void set_pixel(int column, int row, Rgb colour) { pixels_[index(column, row)] = colour; }

  // Rounds to whole pixels. Prefer ClipTo.
  void set_clip(Rect clip);
  Rect clip() const;

  void fill_rect(Rect rect, Paint paint);

  // The outline of `rect`, its lines centred on the edges.
  void stroke_rect(Rect rect, double line_width, Paint paint);

  void fill_disc(Point centre, double radius, Paint paint);

  // All lines as one shape: where they cross, the paint is laid on once. Round ends and corners.
  void stroke(const std::vector<Polyline>& lines, double line_width, Paint paint);
  void stroke_line(Point from, Point to, double line_width, Paint paint);

  // `baseline` is the point on the baseline at the left end, the middle or the right end of the
  // text, as style.align says. What the font has no glyph for appears as an empty box.
  void draw_text(Point baseline, std::string_view utf8, const TextStyle& style);

  // The picture as 8-bit RGB in row-major order, from the top row down: 3 * width * height bytes.
  std::vector<unsigned char> rgb_bytes() const;

 private:
  struct PixelBox;  // whole pixels, half open

  std::size_t index(int column, int row) const {
    return static_cast<std::size_t>(row) * width_ + column;
  }
  PixelBox pixels_of(Rect rect) const;
  void blend(std::size_t index, Rgb colour, double alpha);

  int width_;
  int height_;
  std::vector<Rgb> pixels_;
  int clip_left_ = 0;
  int clip_top_ = 0;
  int clip_right_;
  int clip_bottom_;
};

// The width in pixels of `utf8` drawn at `size`.
double text_width(std::string_view utf8, double size);

// `utf8` itself where it is no wider than `width` pixels at `size`; else its longest beginning that
// is with "…" behind it.
std::string shortened(std::string_view utf8, double size, double width);

// Restricts a canvas to a rectangle for as long as this object lives.
class ClipTo {
 public:
  ClipTo(Canvas& canvas, Rect clip) : canvas_(canvas), before_(canvas.clip()) {
    canvas_.set_clip(clip);
  }
  ~ClipTo() { canvas_.set_clip(before_); }
  ClipTo(const ClipTo&) = delete;
  ClipTo& operator=(const ClipTo&) = delete;

 private:
  Canvas& canvas_;
  Rect before_;
};

}  // namespace iflow
