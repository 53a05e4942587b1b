#include "image_options.h"

#include <CLI/CLI.hpp>

#include "number_checks.h"

namespace iflow {
namespace {

constexpr const char* kGroup = "Images";

std::string size_problem(const std::string& text) {
  if (parse_size(text)) return {};
  return "expected HEIGHTxWIDTH, each from 1 to " + std::to_string(kLargestImageSide) + ", got \"" +
         text + "\"";
}

void add_size_option(CLI::App& command, const std::string& name, std::optional<ImageSize>& size,
                     const std::string& description) {
  command
      .add_option_function<std::string>(
          name, [&size](const std::string& text) { size = parse_size(text); }, description)
      ->check(size_problem)
      ->type_name("HxW")
      ->group(kGroup);
}

}  // namespace

void add_image_options(CLI::App& command, ImageOptions& options) {
  add_size_option(command, "--crop", options.crop, "Take the middle HxW pixels of every image");
  add_size_option(command, "--resize", options.resize,
                  "Resize every image, cropped or not, to HxW pixels, whatever its proportions");
}

void add_bits_option(CLI::App& command, ImageOptions& options) {
  command
      .add_option("--bits", options.bits,
                  "Bits of a pixel to keep, 1 to 8: the highest (default 8)")
      ->check(count_up_to(8))
      ->type_name("B")
      ->group(kGroup);
}

}  // namespace iflow
