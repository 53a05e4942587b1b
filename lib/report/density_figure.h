// The figure of a two-dimensional fit: the data, the density of the model, samples of the model.
#pragma once

#include <string>
#include <vector>

#include "report/canvas.h"
#include "report/panels.h"

namespace iflow {

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
// The bar below the panels gives the scale of the density, whose top level is top_level's.
//
// Throws NumericError when a density is negative or not finite, or a coordinate not finite, or the
// grid's size is not rows * cols with both 1 or more, or a range of the window can't be drawn.
Canvas render_density_figure(const DensityFigure& figure);

}  // namespace iflow
