// The figure of a two-dimensional fit: the data, the density of the model, samples of the model.
#pragma once

#include <span>
#include <string>
#include <vector>

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

struct DensityFigure {
  std::string x_name;
  std::string y_name;
  Window window;
  std::vector<DataPoint> data;     // empty: no such panel
  DensityGrid density;             // per unit of x and of y
  std::vector<DataPoint> samples;  // empty: no such panel
  std::string data_title = "data";
  std::string density_title = "density";
  std::string samples_title = "samples";
  std::string caption;  // one line below the panels, shortened where it is too long
};

// About 1500 x 620 pixels with three panels.
//
// Points are translucent dots whose layers add up along the colour map, set so that single points
// show and crowds keep their structure, be they ten or 10^5.
//
// A density p is drawn as colormap(sqrt(p / p_top)): the square root lifts the faint parts, and
// p_top, above which colours no longer change, is the level that only the cells with the densest 2
// % of the mass in the window exceed, so that a spike can't darken all the rest. The bar below the
// panel gives the scale.
//
// Throws NumericError when a density is negative or not finite, or a coordinate not finite, or the
// grid's size is not rows * cols with both 1 or more, or a range of the window can't be drawn.
Canvas render_density_figure(const DensityFigure& figure);

}  // namespace iflow
