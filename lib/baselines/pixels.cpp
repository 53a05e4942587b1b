#include "baselines/pixels.h"

#include <cmath>

namespace iflow {

PixelHistogram fit_pixels(const Images& images, std::span<const std::size_t> rows) {
  const std::size_t channels = images.shape.channels;
  const std::size_t values = std::size_t{1} << static_cast<unsigned>(images.bits);
  PixelHistogram histogram;
  histogram.masses.assign(channels, std::vector<double>(values, 1));
  for (const std::size_t row : rows) {
    const auto image = images.image(row);
    for (std::size_t i = 0; i < image.size(); ++i) ++histogram.masses[i % channels][image[i]];
  }
  const auto total = static_cast<double>(rows.size() * images.shape.pixels() + values);
  for (std::vector<double>& masses : histogram.masses) {
    for (double& mass : masses) mass /= total;
  }
  return histogram;
}

double log_probability(const PixelHistogram& histogram, std::span<const std::uint8_t> image) {
  const std::size_t channels = histogram.masses.size();
  double log_p = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    log_p += std::log(histogram.masses[i % channels][image[i]]);
  }
  return log_p;
}

}  // namespace iflow
