// The panels of figures of the plane: points, and densities.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/axes.h"
#include "report/canvas.h"
#include "report/range.h"

namespace iflow {

// A row of a two-column table.
struct DataPoint {
  double x = 0;
  double y = 0;
};

// The part of the plane that all panels show.
struct Window {
  Range x;
  Range y;
};

// A window around most of `points`: per axis robust_range(), so that one stray row can't shrink
// all the others to a dot; rows outside the window are simply not drawn. Spans that differ by less
// than a factor of 4 are made equal, and the panels, being square, then have equal scales on both
// axes; columns of truly different scale each fill the panel.
//
// Throws NumericError when a coordinate is not finite.
Window window_around(std::span<const DataPoint> points);

// Densities at the centres of rows x cols equal cells of a window.
struct DensityGrid {
  int rows = 0;
  int cols = 0;
  std::vector<double> p;  // (rows * cols), row by row, the row of smallest y first
};

// Centre of cell `index` of `count` equal cells of `range`: where a DensityGrid wants its values.
double cell_centre(Range range, int index, int count);

// Throw NumericError, beginning with `what` or "density", when a coordinate is not finite; when a
// density is negative or not finite, or the grid's size is not rows * cols with both 1 or more.
void check_points(std::span<const DataPoint> points, const std::string& what);
void check_density(const DensityGrid& grid);

// Translucent dots whose layers add up along the colour map. Their opacity follows from how crowded
// the points are: single points are visible and dense regions keep their structure, with ten points
// as with 10^5.
void draw_points(Canvas& canvas, const Axes& axes, std::span<const DataPoint> points);

// A density p is drawn as colormap(brightness(p, p_top)), brightness being sqrt(p / p_top), at most
// 1: the square root lifts the faint parts.
void draw_density(Canvas& canvas, const Rect& frame, const DensityGrid& grid, double p_top);
double brightness(double p, double p_top);

// The density of the brightest colour: the level that only the cells with the densest 2 % of the
// mass exceed, so that a spike cannot darken all the rest. p: of cells of equal area, 1 or more.
double top_level(std::vector<double> p);

}  // namespace iflow
