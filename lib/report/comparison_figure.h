// Several models side by side: a grid of panels of the plane.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "report/canvas.h"
#include "report/panels.h"

namespace iflow {

// What all panels of a column share, besides the scale of their densities.
struct ComparisonColumn {
  std::string title;
  Window window;
};

struct ComparisonPanel {
  std::variant<std::vector<DataPoint>, DensityGrid> content;
  std::string note = {};  // a few words below the panel
};

struct ComparisonRow {
  std::string label;                    // beside the panels
  std::vector<ComparisonPanel> panels;  // one of each column
};

struct ComparisonFigure {
  std::vector<ComparisonColumn> columns;
  std::vector<ComparisonRow> rows;
  int panel_side = 300;  // pixels
};

// Titles above, labels to the left, square panels; a title, label or note longer than its panel is
// shortened. Points are drawn by draw_points, densities by draw_density up to the top level of all
// cells of the column: the same colour is the same density in every row.
//
// Throws Error when there is no row or no column, when a row has another number of panels than
// there are columns, or when the picture would be too large; NumericError for numbers that can't be
// drawn.
Canvas render_comparison_figure(const ComparisonFigure& figure);

}  // namespace iflow
