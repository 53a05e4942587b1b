// The rows that a training run learns from and is validated on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/row_weights.h"
#include "train/prefix.h"

namespace iflow {

// Makes the rows of a step, by their numbers and the number of the pass over the data: rows with
// noise, or kept as bytes.
using DrawRows =
    std::function<PrefixedRows(std::span<const std::uint32_t> numbers, std::uint64_t pass)>;

// Rows of the flow's row_width. `rows`: (n, width) after the flow's prefix layers, whose ln |det|
// has the mean `mean_log_det` over them: a constant of the losses, with no part in any gradient.
// `validation`: (m, width) in the data's own units; with none, the averaged parameters of the last
// validation point are the best. `draw`, where there is one, takes the place of `rows` and
// `mean_log_det`: its numbers are below `drawn_rows`.
//
// Copies share the rows; what the spans show must outlive them.
struct TrainingData {
  std::shared_ptr<const std::vector<float>> rows;
  double mean_log_det = 0;
  std::span<const double> validation;
  DrawRows draw = nullptr;
  std::size_t drawn_rows = 0;
  RowWeights weights = {};  // (n), of mean 1; none: 1 each
  RowWeights validation_weights = {};

  std::size_t row_count(std::size_t width) const;
  // The rows of these numbers, as a pass over the data sees them.
  PrefixedRows at(std::span<const std::uint32_t> numbers, std::uint64_t pass,
                  std::size_t width) const;
};

}  // namespace iflow
