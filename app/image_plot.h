// The figure of a model of images: originals, reconstructions and samples, or ways from one image
// to another through z.
#pragma once

#include <cstdint>
#include <string>

#include "checkpoint/model_file.h"
#include "report/canvas.h"
#include "row_input.h"

namespace iflow {

struct ImagePlot {
  std::string checkpoint;
  RowInput input;  // its path empty: samples alone
  std::uint64_t samples = 64;
  std::uint64_t seed = 0;
  bool interpolate = false;  // needs images
  std::string caption;
};

Canvas draw_images(const ImagePlot& plot, const Fit& fit, const Model& model);

}  // namespace iflow
