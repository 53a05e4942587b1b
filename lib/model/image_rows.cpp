#include "model/image_rows.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace iflow {

void append_row(std::span<const std::uint8_t> image, std::vector<double>& rows) {
  rows.insert(rows.end(), image.begin(), image.end());
}

std::vector<double> rows_of(const Images& images) {
  return {images.pixels.begin(), images.pixels.end()};
}

Images images_of(const ImageRecord& record, std::span<const double> rows) {
  Images images{record.shape, record.bits, {}, {}};
  const double largest = (1 << record.bits) - 1;
  images.pixels.reserve(rows.size());
  for (const double x : rows) {
    if (std::isnan(x)) throw NumericError("a pixel is not a number");
    images.pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::floor(x), 0.0, largest)));
  }
  return images;
}

std::string measure_of_images(std::size_t draws) {
  return "every pixel is spread evenly from its value to the next: ln p is the density of the "
         "spread-out image, averaged over " +
         std::to_string(draws) +
         " draws of the spread; it is at most the log-probability of the image";
}

}  // namespace iflow
