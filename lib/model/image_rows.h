// Images as rows of numbers, the way a flow takes them, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/images.h"
#include "model/fit_record.h"

namespace iflow {

// Adds the pixels of one image to the end of `rows`.
void append_row(std::span<const std::uint8_t> image, std::vector<double>& rows);

// (n, d)
std::vector<double> rows_of(const Images& images);

// Rows (n, d) that a flow made, each number down to the integer at or below it, and to the nearest
// value that a pixel can have.
Images images_of(const ImageRecord& record, std::span<const double> rows);

// What a likelihood of a model of images means, of every image with so many draws of its noise.
std::string measure_of_images(std::size_t draws);

}  // namespace iflow
