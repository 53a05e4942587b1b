// The rows of a fit: read, looked at, split.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baselines/gaussian.h"
#include "checkpoint/model_file.h"
#include "data/table_options.h"
#include "preprocess/moments.h"
#include "recipes/settings.h"

namespace iflow {

struct FitData {
  DataRecord record;
  std::vector<LatticeColumn> lattices;  // of the integer columns
  // (n, width), the given columns behind those modelled; integers dequantised, as in the rest
  std::vector<double> training;
  std::vector<double> validation;
  std::vector<double> weights;  // of the training rows, of mean 1; none: 1 each
  std::vector<double> validation_weights;
  std::vector<double> all_weights;  // of the training rows, then those to validate on, of mean 1
  // of the table: what the noise is keyed by
  std::vector<std::uint64_t> training_ids, validation_ids;
  std::optional<IntervalConfig> bounds;  // where columns have them, dequantised
  ColumnMoments moments;                 // of the modelled columns after the bounds
  ConditionConfig condition;             // of the given columns
  std::optional<WhitenConfig> whiten;    // for their correlations, in more than two dimensions
  Gaussian gaussian;                     // fitted to the training rows
  std::vector<std::string> warnings;     // for the person

  // Instead of training, weights and what is fitted to them, where the data are images:
  std::shared_ptr<const Images> images;        // those of DATA, then those of a file to validate on
  PixelHistogram pixels;                       // of those to train on
  std::vector<std::size_t> validation_images;  // by their numbers
};

// Reads `path` and holds out a part of it as `settings` say, or validates on all rows of `val` when
// that is not empty. Throws DataError for rows that no fit can work on, such as one outside its
// bounds.
FitData read_fit_data(const std::string& path, const std::string& val, const FitSettings& settings);

// The same rows with those to validate on among those to train on, and the Gaussian of all of them;
// of a table. What the flow is told before it learns stays that of the training rows: whitened by
// themselves alone, few rows look less spread out than others will (wine, 124 rows of 13 columns,
// three splits: -18.87 nats per test row on average, -19.36 where all rows were told).
FitData without_validation(FitData data);

// The part of so many rows that is held out by default: a fifth where a refit has them back, else a
// tenth; from 5,000 on 500 rows, which tell well enough where to stop; from 10,000 on a twentieth.
double default_val_fraction(std::size_t rows, bool refit);

// The part of so many rows that is held out: `most` rows of them at most.
double held_out_part(std::size_t rows, const FitSettings& settings, double most);

}  // namespace iflow
