// Independent pixels, the baseline of image models: it knows how frequent every value is in each
// channel, and nothing of where it occurs.
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

// Counts the values of the images numbered `rows`. Every value counts once more than it occurs, so
// that none has probability 0.
PixelHistogram fit_pixels(const Images& images, std::span<const std::size_t> rows);

// ln P of an image, in nats.
double log_probability(const PixelHistogram& histogram, std::span<const std::uint8_t> image);

}  // namespace iflow
