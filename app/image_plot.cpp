#include "image_plot.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "base/error.h"
#include "image_input.h"
#include "model/image_rows.h"
#include "report/image_figure.h"
#include "report/image_grid.h"

namespace iflow {
namespace {

constexpr std::size_t kPairs = 8;     // of images to go between
constexpr std::size_t kStations = 9;  // on the way, the ends included

ImagePanel panel_of(const std::string& title, Images images) {
  const std::size_t columns = grid_layout(images.count(), images.shape).columns;
  return {title, std::move(images), columns};
}

Images decoded(const Fit& fit, const Model& model, const std::vector<double>& z) {
  InversionReport report;
  return images_of(*fit.data.image, model.decode(z, {}, report));
}

// Between z of two images along cos and sin, on which N(0, I) stays N(0, I). (Dinh, Sohl-Dickstein,
// Bengio, "Density estimation using Real NVP", ICLR 2017, section 4.2)
std::vector<double> ways_between(const std::vector<double>& z, std::size_t d) {
  std::vector<double> ways;
  for (std::size_t pair = 0; pair + 2 * d <= z.size(); pair += 2 * d) {
    for (std::size_t station = 0; station < kStations; ++station) {
      const double angle =
          std::numbers::pi / 2 * static_cast<double>(station) / static_cast<double>(kStations - 1);
      const double from = station + 1 == kStations ? 0 : std::cos(angle), to = std::sin(angle);
      for (std::size_t j = 0; j < d; ++j) ways.push_back(from * z[pair + j] + to * z[pair + d + j]);
    }
  }
  return ways;
}

Images first_images(const ImagePlot& plot, const Fit& fit, std::size_t most) {
  ImageReader reader = open_images(plot.input, fit, plot.checkpoint);
  Images images;
  reader.next(most, images);
  return images;
}

ImagePanel interpolations(const ImagePlot& plot, const Fit& fit, const Model& model) {
  const Images images = first_images(plot, fit, 2 * kPairs);
  if (images.count() < 2) {
    throw DataError(display_name(plot.input.path) + ": one image; --interpolate needs two");
  }
  const std::vector<double> z = model.encode(centred_rows(images));
  return {"from image to image through z", decoded(fit, model, ways_between(z, model.dimension())),
          kStations};
}

}  // namespace

Canvas draw_images(const ImagePlot& plot, const Fit& fit, const Model& model) {
  ImageFigure figure{{ImageRow{}}, plot.caption};
  std::vector<ImagePanel>& panels = figure.rows.front().panels;
  if (plot.interpolate) {
    panels.push_back(interpolations(plot, fit, model));
    return render_image_figure(figure);
  }
  if (!plot.input.path.empty()) {
    const Images images = first_images(plot, fit, plot.samples);
    const std::vector<double> z = model.encode(centred_rows(images));
    panels.push_back(panel_of("data", images));
    panels.push_back(panel_of("reconstructions", decoded(fit, model, z)));
  }
  const std::vector<double> z = model.sample_latent(plot.seed, 0, plot.samples, 1);
  panels.push_back(panel_of("samples", decoded(fit, model, z)));
  return render_image_figure(figure);
}

}  // namespace iflow
