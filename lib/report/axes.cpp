#include "report/axes.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "report/figure_style.h"

namespace iflow {
namespace {

using figure_style::kFaintInk;
using figure_style::kInk;
using figure_style::kNameSize;
using figure_style::kRule;
using figure_style::kTickSize;

constexpr double kTickLength = 8;
constexpr double kTickWidth = 2;
constexpr double kLabelGap = 7;         // between a tick mark and its label
constexpr double kNameGap = 14;         // between labels and the name of the axis
constexpr double kBetweenXLabels = 16;  // least distance of two labels
constexpr double kPixelsPerXTick = 80;  // ticks are no denser than this
constexpr double kPixelsPerYTick = 65;
constexpr double kCapitals = 0.7;  // height of digits and capitals, in em
constexpr double kDescenders = 0.21;

int tick_count(double length, double pixels_per_tick) {
  return std::max(2, static_cast<int>(length / pixels_per_tick));
}

double widest_label(const std::vector<Tick>& ticks) {
  double widest = 0;
  for (const Tick& tick : ticks) widest = std::max(widest, text_width(tick.label, kTickSize));
  return widest;
}

double y_labels_extent(const std::vector<Tick>& ticks) {
  return kTickLength + kLabelGap + widest_label(ticks);
}

}  // namespace

Axes::Axes(Rect frame, Range x, Range y)
    : frame_(frame),
      x_(x),
      y_(y),
      x_ticks_(ticks(x, tick_count(frame.width(), kPixelsPerXTick))),
      y_ticks_(ticks(y, tick_count(frame.height(), kPixelsPerYTick))) {
  for (const Range& range : {x, y}) {
    if (!(range.span() > 0)) throw NumericError("an axis of length 0");
  }
}

Point Axes::at(double x, double y) const {
  // Far enough that the direction of a line through the frame does not change, near enough that the
  // canvas can compute with it.
  constexpr double kFarthest = 1e6;
  const auto position = [&](double value, const Range& range) {
    return std::clamp((value - range.min) / range.span(), -kFarthest, kFarthest);
  };
  return {frame_.left + frame_.width() * position(x, x_),
          frame_.bottom - frame_.height() * position(y, y_)};
}

void Axes::draw_grid(Canvas& canvas) const {
  for (const Tick& tick : x_ticks_) {
    const double x = at(tick.value, y_.min).x;
    canvas.fill_rect({x - 1, frame_.top, x + 1, frame_.bottom}, {kRule});
  }
  for (const Tick& tick : y_ticks_) {
    const double y = at(x_.min, tick.value).y;
    canvas.fill_rect({frame_.left, y - 1, frame_.right, y + 1}, {kRule});
  }
}

void Axes::draw_frame(Canvas& canvas, Paint paint) const {
  canvas.stroke_rect(frame_, kTickWidth, paint);
}

void Axes::draw_x_ticks(Canvas& canvas) const {
  const double top = frame_.bottom + kTickWidth / 2;
  const double baseline = top + kTickLength + kLabelGap + kCapitals * kTickSize;
  double taken = -std::numeric_limits<double>::infinity();  // up to here, by the labels so far
  for (const Tick& tick : x_ticks_) {
    const double x = at(tick.value, y_.min).x;
    canvas.fill_rect({x - kTickWidth / 2, top, x + kTickWidth / 2, top + kTickLength}, {kFaintInk});
    const double half = text_width(tick.label, kTickSize) / 2;
    if (x - half < taken + kBetweenXLabels) continue;
    canvas.draw_text({x, baseline}, tick.label,
                     {.size = kTickSize, .paint = {kFaintInk}, .align = TextAlign::kCentre});
    taken = x + half;
  }
}

void Axes::draw_y_ticks(Canvas& canvas, bool with_labels) const {
  const double right = frame_.left - kTickWidth / 2;
  for (const Tick& tick : y_ticks_) {
    const double y = at(x_.min, tick.value).y;
    canvas.fill_rect({right - kTickLength, y - kTickWidth / 2, right, y + kTickWidth / 2},
                     {kFaintInk});
    if (!with_labels) continue;
    canvas.draw_text({right - kTickLength - kLabelGap, y + kCapitals * kTickSize / 2}, tick.label,
                     {.size = kTickSize, .paint = {kFaintInk}, .align = TextAlign::kRight});
  }
}

void Axes::draw_x_name(Canvas& canvas, const std::string& name) const {
  const double baseline = frame_.bottom + room_below() - kDescenders * kNameSize;
  canvas.draw_text({(frame_.left + frame_.right) / 2, baseline},
                   shortened(name, kNameSize, frame_.width()),
                   {.size = kNameSize, .paint = {kInk}, .align = TextAlign::kCentre});
}

void Axes::draw_y_name(Canvas& canvas, const std::string& name) const {
  const double baseline = frame_.left - y_labels_extent(y_ticks_) - kNameGap;
  canvas.draw_text(
      {baseline, (frame_.top + frame_.bottom) / 2}, shortened(name, kNameSize, frame_.height()),
      {.size = kNameSize, .paint = {kInk}, .align = TextAlign::kCentre, .upwards = true});
}

double Axes::room_below() {
  return kTickLength + kLabelGap + kCapitals * kTickSize + kNameGap +
         (kCapitals + kDescenders) * kNameSize;
}

double Axes::room_left(Range y, double frame_height) {
  return y_labels_extent(ticks(y, tick_count(frame_height, kPixelsPerYTick))) + kNameGap +
         kCapitals * kNameSize;
}

}  // namespace iflow
