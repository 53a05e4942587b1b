// Panels of images side by side: originals, reconstructions, samples.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/images.h"
#include "report/canvas.h"

namespace iflow {

struct ImagePanel {
  std::string title;
  Images images;            // at least one
  std::size_t columns = 1;  // images next to each other
};

struct ImageFigure {
  std::vector<ImagePanel> panels;  // at least one
  std::string caption;
};

// All images of all panels are magnified by the same whole number. Throws Error where the panels
// don't fit into a picture.
Canvas render_image_figure(const ImageFigure& figure);

}  // namespace iflow
