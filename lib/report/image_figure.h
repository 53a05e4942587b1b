// Panels of images in rows: originals, reconstructions, samples, of one model or of several.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/images.h"
#include "report/canvas.h"

namespace iflow {

struct ImagePanel {
  std::string title;        // above the panel; may be empty
  Images images;            // at least one
  std::size_t columns = 1;  // images next to each other
  std::string note = {};    // a few words below the panel
};

struct ImageRow {
  std::string label;               // to the left, written upwards; may be empty
  std::vector<ImagePanel> panels;  // at least one
};

struct ImageFigure {
  std::vector<ImageRow> rows;  // at least one, with equally many panels
  std::string caption;
};

// All images of all panels are magnified by the same whole number; the panels of a column begin at
// the same place. A title, label or note longer than its panel is shortened. Throws Error where the
// panels don't fit into a picture.
Canvas render_image_figure(const ImageFigure& figure);

}  // namespace iflow
