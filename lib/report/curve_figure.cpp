#include "report/curve_figure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>

#include "base/error.h"
#include "report/axes.h"
#include "report/figure_style.h"
#include "report/range.h"
#include "report/ticks.h"

namespace iflow {
namespace {

using figure_style::kInk;
using figure_style::kPaper;
using figure_style::kRule;
using figure_style::kTickSize;
using figure_style::kTitleSize;

constexpr int kWidth = 1200;
constexpr int kHeight = 640;
constexpr double kOuterMargin = 24;
constexpr double kRightMargin = 48;  // half of the last label of the step axis reaches in
constexpr double kTitleRoom = 50;

constexpr Rgb kTrainingColour = {0.45, 0.62, 0.83};
constexpr Rgb kValidationColour = {0.80, 0.27, 0.16};
constexpr Rgb kFloorColour = {0.30, 0.30, 0.34};
constexpr double kTrainingWidth = 2.5;
constexpr double kDenseTrainingWidth = 1.5;  // where neighbouring points are closer than two pixels
constexpr std::size_t kDensePoints = 600;
constexpr double kValidationWidth = 3;
constexpr double kDotRadius = 4.5;
constexpr double kDotSpacing = 14;  // dots are left out where they would be closer than this
constexpr double kRingRadius = 9;
constexpr double kRingWidth = 3;

constexpr double kWildBeginning = 0.1;  // share of the steps whose losses don't set the scale
constexpr double kWildLosses = 0.01;    // share of the other training losses, likewise
constexpr std::size_t kFewestSettled = 3;
constexpr double kLossMargin = 0.06;

void check_finite(const CurvePoint& p, const std::string& what) {
  if (!std::isfinite(p.step) || !std::isfinite(p.loss)) {
    throw NumericError("training curve: " + what + " is not finite");
  }
}

void check(const CurveFigure& figure) {
  if (figure.training.empty() && figure.validation.empty()) {
    throw NumericError("training curve: no steps to show");
  }
  const auto check_all = [](const std::vector<CurvePoint>& curve, const std::string& name) {
    for (std::size_t i = 0; i < curve.size(); ++i) {
      check_finite(curve[i], name + " point " + std::to_string(i + 1));
    }
  };
  check_all(figure.training, "training");
  check_all(figure.validation, "validation");
  if (figure.best) check_finite(*figure.best, "the best point");
  if (figure.floor) check_finite({0, figure.floor->loss}, "the floor");
}

Range step_range(const CurveFigure& figure) {
  Range range = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  const auto include = [&](const CurvePoint& p) {
    range = {std::min(range.min, p.step), std::max(range.max, p.step)};
  };
  for (const CurvePoint& p : figure.training) include(p);
  for (const CurvePoint& p : figure.validation) include(p);
  if (figure.best) include(*figure.best);
  return widened(range, 0);
}

// The losses of `curve` after the wild beginning; all of them where that leaves too few.
std::vector<double> settled_losses(const std::vector<CurvePoint>& curve, Range steps) {
  const double beginning = steps.min + kWildBeginning * steps.span();
  std::vector<double> all, settled;
  for (const CurvePoint& p : curve) {
    all.push_back(p.loss);
    if (p.step >= beginning) settled.push_back(p.loss);
  }
  return settled.size() >= kFewestSettled ? settled : all;
}

// `losses` without the largest kWildLosses of them.
std::vector<double> without_wild(std::vector<double> losses) {
  std::sort(losses.begin(), losses.end());
  const auto wild = static_cast<std::size_t>(kWildLosses * static_cast<double>(losses.size()));
  losses.resize(losses.size() - wild);
  return losses;
}

Range loss_range(const CurveFigure& figure, Range steps) {
  std::vector<double> shown = without_wild(settled_losses(figure.training, steps));
  for (const double loss : settled_losses(figure.validation, steps)) shown.push_back(loss);
  if (figure.best) shown.push_back(figure.best->loss);
  if (figure.floor) shown.push_back(figure.floor->loss);
  const auto [low, high] = std::minmax_element(shown.begin(), shown.end());
  return widened({*low, *high}, kLossMargin);
}

Polyline line_through(const std::vector<CurvePoint>& curve, const Axes& axes) {
  Polyline line;
  for (const CurvePoint& p : curve) line.push_back(axes.at(p.step, p.loss));
  return line;
}

void draw_training_mark(Canvas& canvas, const Polyline& line) {
  const double width = line.size() < kDensePoints ? kTrainingWidth : kDenseTrainingWidth;
  canvas.stroke({line}, width, {kTrainingColour, 0.75});
}

void draw_validation_mark(Canvas& canvas, const Polyline& line) {
  canvas.stroke({line}, kValidationWidth, {kValidationColour});
  double last_dot = -std::numeric_limits<double>::infinity();
  for (const Point& p : line) {
    if (p.x < last_dot + kDotSpacing) continue;
    canvas.fill_disc(p, kDotRadius, {kValidationColour});
    last_dot = p.x;
  }
}

void draw_best_mark(Canvas& canvas, Point centre) {
  canvas.fill_disc(centre, kRingRadius + kRingWidth / 2, {kInk});
  canvas.fill_disc(centre, kRingRadius - kRingWidth / 2, {kPaper});
  canvas.fill_disc(centre, kDotRadius, {kValidationColour});
}

void draw_floor_mark(Canvas& canvas, double left, double right, double y) {
  constexpr double kDash = 12;
  constexpr double kGap = 8;
  const int dashes = static_cast<int>(std::ceil((right - left) / (kDash + kGap)));
  for (int i = 0; i < dashes; ++i) {
    const double x = left + i * (kDash + kGap);
    canvas.fill_rect({x, y - 1.25, std::min(x + kDash, right), y + 1.25}, {kFloorColour});
  }
}

struct LegendEntry {
  std::string label;
  std::function<void(Canvas&, double left, double right, double y)> draw_mark;
};

std::vector<LegendEntry> legend_entries(const CurveFigure& figure) {
  std::vector<LegendEntry> entries;
  if (!figure.training.empty()) {
    entries.push_back({"training", [](Canvas& canvas, double left, double right, double y) {
                         draw_training_mark(canvas, {{left, y}, {right, y}});
                       }});
  }
  if (!figure.validation.empty()) {
    entries.push_back({"validation", [](Canvas& canvas, double left, double right, double y) {
                         draw_validation_mark(canvas, {{left, y}, {(left + right) / 2, y}});
                         draw_validation_mark(canvas, {{(left + right) / 2, y}, {right, y}});
                       }});
  }
  if (figure.best) {
    entries.push_back({"best: " + decimal_text(figure.best->loss, 4) + " at step " +
                           decimal_text(figure.best->step, 10),
                       [](Canvas& canvas, double left, double right, double y) {
                         draw_best_mark(canvas, {(left + right) / 2, y});
                       }});
  }
  if (figure.floor) entries.push_back({figure.floor->label, draw_floor_mark});
  return entries;
}

// In the upper right corner of the frame, where a falling curve leaves room.
void draw_legend(Canvas& canvas, const Rect& frame, const std::vector<LegendEntry>& entries) {
  constexpr double kLine = 34;
  constexpr double kMark = 48;
  constexpr double kPadding = 16;
  const double most = frame.width() / 2;  // of a label's width
  double widest = 0;
  for (const LegendEntry& e : entries) {
    widest = std::max(widest, text_width(shortened(e.label, kTickSize, most), kTickSize));
  }
  const double right = frame.right - kPadding;
  const double top = frame.top + kPadding;
  const Rect box = {right - widest - kMark - 3 * kPadding, top, right,
                    top + kLine * static_cast<double>(entries.size()) + kPadding};
  canvas.fill_rect(box, {kPaper, 0.9});
  canvas.stroke_rect(box, 1.5, {kRule});
  double middle = box.top + kPadding / 2 + kLine / 2;
  for (const LegendEntry& e : entries) {
    const double mark_right = box.left + kPadding + kMark;
    e.draw_mark(canvas, box.left + kPadding, mark_right, middle);
    canvas.draw_text({mark_right + kPadding, middle + 0.35 * kTickSize},
                     shortened(e.label, kTickSize, most), {.size = kTickSize, .paint = {kInk}});
    middle += kLine;
  }
}

}  // namespace

Canvas render_curve_figure(const CurveFigure& figure) {
  check(figure);
  const Range steps = step_range(figure);
  const Range losses = loss_range(figure, steps);

  const double bottom = std::floor(kHeight - kOuterMargin - Axes::room_below());
  const double left = std::ceil(kOuterMargin + Axes::room_left(losses, bottom - kTitleRoom));
  const Axes axes({left, kTitleRoom, kWidth - kRightMargin, bottom}, steps, losses);
  const Rect& frame = axes.frame();

  Canvas canvas(kWidth, kHeight, kPaper);
  axes.draw_grid(canvas);
  {
    const ClipTo inside(canvas, frame);
    draw_training_mark(canvas, line_through(figure.training, axes));
    if (figure.floor) {
      draw_floor_mark(canvas, frame.left, frame.right, axes.at(0, figure.floor->loss).y);
    }
    draw_validation_mark(canvas, line_through(figure.validation, axes));
    draw_legend(canvas, frame, legend_entries(figure));
  }
  axes.draw_frame(canvas, {kInk});
  // Over the frame, which it may touch: the best step is often the last.
  if (figure.best) draw_best_mark(canvas, axes.at(figure.best->step, figure.best->loss));
  axes.draw_x_ticks(canvas);
  axes.draw_x_name(canvas, "step");
  axes.draw_y_ticks(canvas, true);
  axes.draw_y_name(canvas, figure.loss_name);
  canvas.draw_text({(frame.left + frame.right) / 2, frame.top - 16},
                   shortened(figure.title, kTitleSize, frame.width()),
                   {.size = kTitleSize, .paint = {kInk}, .align = TextAlign::kCentre});
  return canvas;
}

}  // namespace iflow
