// The training curve: loss against step.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/canvas.h"

namespace iflow {

struct CurvePoint {
  double step = 0;
  double loss = 0;
};

// A level that no validation loss can honestly stay below, such as the entropy of the data.
struct CurveFloor {
  double loss = 0;
  std::string label;
};

struct CurveFigure {
  std::string title;
  std::string loss_name = "negative log-likelihood (nats)";
  std::vector<CurvePoint> training;    // by rising step; a thin line
  std::vector<CurvePoint> validation;  // by rising step; a line with dots
  std::optional<CurvePoint> best;      // the point whose parameters were kept; a ring
  std::optional<CurveFloor> floor;     // a dashed horizontal line
};

// 1200 x 640 pixels. The loss axis covers the losses behind the first tenth of the steps: all of
// the validation, best and floor, and the training without its largest 1 %. What is beyond is cut
// off at the frame. Curves too short for that are shown whole.
//
// Throws NumericError when there is neither a training nor a validation point, or when a step or a
// loss is not finite.
Canvas render_curve_figure(const CurveFigure& figure);

}  // namespace iflow
