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

}  // namespace iflow
