// How images are read, on the command line.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "data/image_options.h"

namespace iflow {

// --crop and --resize.
void add_image_options(CLI::App& command, ImageOptions& options);
// --bits, for a model to be.
void add_bits_option(CLI::App& command, ImageOptions& options);

// "28x20", height first; nothing is "".
std::string size_text(const std::optional<ImageSize>& size);
// The size, or nothing where the text is no size.
std::optional<ImageSize> parse_size(const std::string& text);

}  // namespace iflow
