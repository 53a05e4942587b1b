#include "flow/layer_config.h"

#include "base/error.h"

namespace iflow {

void check_image(const ImageShape& image, const LayerSite& site) {
  if (image.size() == 0 || image.size() != site.dimension) {
    throw UsageError(site.name + ": the image has another number of elements than reach the layer");
  }
}

std::string dashed(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (const std::size_t number : numbers) {
    text += (text.empty() ? "" : "-") + std::to_string(number);
  }
  return text;
}

std::string at_size(const ImageShape& image) {
  return " at " + std::to_string(image.height) + " x " + std::to_string(image.width);
}

}  // namespace iflow
