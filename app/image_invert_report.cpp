#include "image_invert_report.h"

#include <algorithm>
#include <cmath>

#include "report/number_format.h"

namespace iflow {

void ImageInvertReport::add(const Images& images, const Images& reconstructions,
                            std::span<const double> rows, const InversionReport& inversion) {
  const std::size_t n = images.count();
  for (std::size_t i = 0; i < n; ++i) {
    const auto image = images.image(i), again = reconstructions.image(i);
    if (std::equal(image.begin(), image.end(), again.begin())) ++exact_images_;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double error = std::abs(images.pixels[i] + 0.5 - rows[i]);
    max_error_ = std::max(max_error_, error);
    sum_of_errors_ += error;
  }
  for (const double bound : inversion.bound) largest_bound_ = std::max(largest_bound_, bound);
  blocks_.add(inversion, n);
  images_ += n;
  numbers_ += rows.size();
  unconverged_ += inversion.unconverged;
}

std::string ImageInvertReport::text() const {
  std::string bound = kInvertedInClosedForm;
  if (!blocks_.empty()) {
    bound = "largest proved bound of an image's distance to the exact inverse: " +
            significant(largest_bound_) +
            (bound_says_something() ? "" : " (more than half a step: it says nothing)");
  }
  return (blocks_.empty() ? "" : blocks_.text() + "\n") + with_commas(exact_images_) + " of " +
         with_commas(images_) + (images_ == 1 ? " image" : " images") +
         " came back to the byte; the error of a number, in front of rounding, is at most " +
         significant(max_error_) + ", its mean " + significant(mean_error()) +
         " (a pixel's step is 1)\n" + bound +
         "\nunconverged images: " + std::to_string(unconverged_) + " of " + std::to_string(images_);
}

nlohmann::json ImageInvertReport::json() const {
  return {{"images", images_},
          {"exact_images", exact_images_},
          {"unconverged", unconverged_},
          {"largest_bound", largest_bound_},
          {"bound_says_something", bound_says_something()},
          {"max_error", max_error_},
          {"mean_error", mean_error()},
          {"blocks", blocks_.json()}};
}

}  // namespace iflow
