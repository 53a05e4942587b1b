#include "report/comparison_figure.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "report/axes.h"
#include "report/figure_style.h"

namespace iflow {
namespace {

using figure_style::kFaintInk;
using figure_style::kInk;
using figure_style::kNameSize;
using figure_style::kPaper;
using figure_style::kTickSize;

// Pixels.
constexpr double kMargin = 16;
constexpr double kGap = 12;        // between columns
constexpr double kTitleRoom = 46;  // above the first row
constexpr double kNoteRoom = 30;   // below the panels of a row that has notes
constexpr double kRowGap = 12;     // below those of any row
constexpr double kLabelRoom = 44;  // to the left, for text that is written upwards
constexpr double kBaseline = 14;   // of titles and labels above or beside the panels' edge

void check(const ComparisonFigure& figure) {
  if (figure.columns.empty() || figure.rows.empty()) {
    throw Error("comparison: there must be at least one column and one row");
  }
  for (const ComparisonRow& row : figure.rows) {
    if (row.panels.size() != figure.columns.size()) {
      throw Error("comparison: row \"" + row.label + "\" has " + std::to_string(row.panels.size()) +
                  " panels, expected " + std::to_string(figure.columns.size()));
    }
    for (const ComparisonPanel& panel : row.panels) {
      if (const auto* grid = std::get_if<DensityGrid>(&panel.content)) {
        check_density(*grid);
      } else {
        check_points(std::get<std::vector<DataPoint>>(panel.content), row.label);
      }
    }
  }
}

// The top level of all densities in a column, cells of equal area.
double top_level_of(const ComparisonFigure& figure, std::size_t column) {
  std::vector<double> p;
  for (const ComparisonRow& row : figure.rows) {
    const auto* grid = std::get_if<DensityGrid>(&row.panels[column].content);
    if (grid != nullptr) p.insert(p.end(), grid->p.begin(), grid->p.end());
  }
  return p.empty() ? 0 : top_level(std::move(p));
}

double height_below(const ComparisonRow& row) {
  const bool has_notes = std::any_of(row.panels.begin(), row.panels.end(),
                                     [](const ComparisonPanel& p) { return !p.note.empty(); });
  return kRowGap + (has_notes ? kNoteRoom : 0);
}

// Draws a row whose panels' upper edge is at `top`.
void draw_row(Canvas& canvas, const ComparisonFigure& figure, const ComparisonRow& row, double top,
              const std::vector<double>& top_levels) {
  const double side = figure.panel_side;
  canvas.draw_text(
      {kMargin + kLabelRoom - kBaseline, top + side / 2}, shortened(row.label, kNameSize, side),
      {.size = kNameSize, .paint = {kInk}, .align = TextAlign::kCentre, .upwards = true});
  double left = kMargin + kLabelRoom;
  for (std::size_t j = 0; j < row.panels.size(); ++j) {
    const ComparisonPanel& panel = row.panels[j];
    const Window& window = figure.columns[j].window;
    const Axes axes({left, top, left + side, top + side}, window.x, window.y);
    if (const auto* grid = std::get_if<DensityGrid>(&panel.content)) {
      draw_density(canvas, axes.frame(), *grid, top_levels[j]);
    } else {
      draw_points(canvas, axes, std::get<std::vector<DataPoint>>(panel.content));
    }
    canvas.draw_text({left + side / 2, top + side + kTickSize},
                     shortened(panel.note, kTickSize, side),
                     {.size = kTickSize, .paint = {kFaintInk}, .align = TextAlign::kCentre});
    left += side + kGap;
  }
}

}  // namespace

Canvas render_comparison_figure(const ComparisonFigure& figure) {
  check(figure);
  const double side = figure.panel_side;
  const auto columns = static_cast<double>(figure.columns.size());
  const double width = kMargin + kLabelRoom + columns * side + (columns - 1) * kGap + kMargin;
  double height = kMargin + kTitleRoom;
  for (const ComparisonRow& row : figure.rows) height += side + height_below(row);
  constexpr double kTooLarge = 1e6;  // for an int; the canvas refuses it long before
  Canvas canvas(static_cast<int>(std::min(width, kTooLarge)),
                static_cast<int>(std::min(height, kTooLarge)), kPaper);

  std::vector<double> top_levels;
  for (std::size_t j = 0; j < figure.columns.size(); ++j) {
    top_levels.push_back(top_level_of(figure, j));
    const double left = kMargin + kLabelRoom + static_cast<double>(j) * (side + kGap);
    canvas.draw_text({left + side / 2, kMargin + kTitleRoom - kBaseline},
                     shortened(figure.columns[j].title, kNameSize, side),
                     {.size = kNameSize, .paint = {kInk}, .align = TextAlign::kCentre});
  }
  double top = kMargin + kTitleRoom;
  for (const ComparisonRow& row : figure.rows) {
    draw_row(canvas, figure, row, top, top_levels);
    top += side + height_below(row);
  }
  return canvas;
}

}  // namespace iflow
