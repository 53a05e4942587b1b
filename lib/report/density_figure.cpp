#include "report/density_figure.h"

#include <cmath>
#include <string_view>

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

Canvas render_density_figure(const DensityFigure& figure) {
  check_points(figure.data, figure.data_title);
  check_points(figure.samples, figure.samples_title);
  check_density(figure.density);
  const double p_top = top_level(figure.density.p);

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
               [&](const Axes& axes) { draw_points(canvas, axes, figure.data); });
  }
  draw_panel(figure.density_title,
             [&](const Axes& axes) { draw_density(canvas, axes.frame(), figure.density, p_top); });
  if (!figure.samples.empty()) {
    draw_panel(figure.samples_title,
               [&](const Axes& axes) { draw_points(canvas, axes, figure.samples); });
  }

  draw_scale(canvas, {right, scale_baseline}, p_top);
  canvas.draw_text({left, caption_baseline}, shortened(figure.caption, kTickSize, right - left),
                   {.size = kTickSize, .paint = {kFaintInk}});
  return canvas;
}

}  // namespace iflow
