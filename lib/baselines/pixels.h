// Images whose numbers are drawn one by one: the baseline of image models, which knows how frequent
// every value is in each channel and nothing about where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/images.h"

namespace iflow {

struct PixelHistogram {
  std::vector<std::vector<double>> masses;  // [channels][2^bits] positive, of sum 1 in each channel
};

// Counts the values of the images numbered `rows`, each value once more than it was seen, so that
// none has probability 0.
PixelHistogram fit_pixels(const Images& images, std::span<const std::size_t> rows);

// ln P of an image, in nats.
double log_probability(const PixelHistogram& histogram, std::span<const std::uint8_t> image);

}  // namespace iflow
