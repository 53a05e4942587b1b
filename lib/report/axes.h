// A frame on a canvas with a scale along x and one along y.
#pragma once

#include <string>
#include <vector>

#include "report/canvas.h"
#include "report/range.h"
#include "report/ticks.h"

namespace iflow {

class Axes {
 public:
  // The frame in pixels, and the data ranges that it shows. Throws NumericError when a range has
  // no length or can't carry ticks (see ticks()).
  Axes(Rect frame, Range x, Range y);

  const Rect& frame() const { return frame_; }

  // Data units to pixels. Points far outside the frame are moved closer to it.
  Point at(double x, double y) const;

  void draw_grid(Canvas& canvas) const;
  void draw_frame(Canvas& canvas, Paint paint) const;
  // Tick marks outside the frame. Labels that would touch their neighbour are left out.
  void draw_x_ticks(Canvas& canvas) const;
  void draw_y_ticks(Canvas& canvas, bool with_labels) const;
  // The names of the columns, shortened to the length of the side where they are longer.
  void draw_x_name(Canvas& canvas, const std::string& name) const;
  void draw_y_name(Canvas& canvas, const std::string& name) const;

  // Room that ticks, labels and name take below and to the left of a frame, in pixels.
  static double room_below();
  static double room_left(Range y, double frame_height);

 private:
  Rect frame_;
  Range x_;
  Range y_;
  std::vector<Tick> x_ticks_;
  std::vector<Tick> y_ticks_;
};

}  // namespace iflow
