// How the inversion of images went: what `iflow invert` tells about it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "block_report.h"
#include "data/images.h"

namespace iflow {

class ImageInvertReport {
 public:
  explicit ImageInvertReport(const Model& model) : blocks_(model) {}

  // Takes in some images, what they were reconstructed as, and the rows (n, d) that those were
  // rounded down from.
  void add(const Images& images, const Images& reconstructions, std::span<const double> rows,
           const InversionReport& inversion);

  std::size_t images() const { return images_; }
  std::size_t unconverged() const { return unconverged_; }

  // For a terminal, without the last line end, and the same as JSON (see the command's help).
  std::string text() const;
  nlohmann::json json() const;

 private:
  double mean_error() const { return sum_of_errors_ / static_cast<double>(numbers_); }
  // Whether a pixel's error is proved to be below that which rounding forgives.
  bool bound_says_something() const { return largest_bound_ < 0.5; }

  BlockReport blocks_;
  std::size_t images_ = 0, exact_images_ = 0, numbers_ = 0, unconverged_ = 0;
  double max_error_ = 0, sum_of_errors_ = 0, largest_bound_ = 0;
};

}  // namespace iflow
