// The rows of a fit: read, looked at, split.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "data/table_options.h"
#include "objective/gaussian.h"
#include "preprocess/moments.h"
#include "train/trainer.h"

namespace iflow {

struct FitData {
  DataRecord record;
  std::vector<double> training;  // (n, d)
  std::vector<double> validation;
  ColumnMoments moments;               // of the training rows
  std::optional<WhitenConfig> whiten;  // for their correlations, in more than two dimensions
  Gaussian gaussian;                   // fitted to them
  std::vector<std::string> warnings;   // for the person
};

// Reads `path` and holds out a part of it by (val_fraction, seed), or validates on all rows of
// `val` when that is not empty. Throws DataError for rows that no fit can work on.
FitData read_fit_data(const std::string& path, const std::string& val, const TableOptions& options,
                      double val_fraction, std::uint64_t seed);

}  // namespace iflow
