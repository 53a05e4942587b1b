// The rows of a fit, a table's or images': read, looked at, split. Which of the two they are is
// asked once, where they are read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "model/fit_record.h"
#include "train/training_data.h"

namespace iflow {

// What the baselines have on the rows held out: log-density per row, nats.
struct BaselineScores {
  MeanAndError gaussian = {};  // of a table
  MeanAndError mixture = {};
  MeanAndError pixels = {};  // of images: that of independent pixels
};

class Dataset {
 public:
  Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;
  virtual ~Dataset() = default;

  DataRecord record;
  std::vector<LatticeColumn> lattices;  // of the integers, which are dequantised
  // Those held out (m, width), the given columns behind those modelled, integers dequantised.
  std::vector<double> validation;
  std::vector<double> validation_weights;  // of mean 1; none: 1 each
  std::vector<std::string> warnings;       // for the person

  // What a row is; `rows` are those to train on.
  virtual DataShape shape() const = 0;
  // The flow that such options make for these rows: all of them told before it learns.
  virtual FlowConfig flow_of(const FlowOptions& options) const = 0;
  // The rows that a fit with this flow learns from. Integers are spread anew for every pass over
  // them, by noise that `seed` is the key of. The data must outlive them.
  virtual TrainingData training_data(const FlowConfig& flow, std::uint64_t seed) const = 0;
  // Sets the baselines of a fit: those of the rows to train on.
  virtual void set_baselines(Fit& fit) const = 0;
  virtual BaselineScores scores_of_baselines(const Fit& fit) const = 0;
  // The stacked mixture of all rows, those held out as well, with its record and its baselines; of
  // a table without given columns. Throws DataError for fewer than five rows that differ.
  virtual void set_stack(Fit& fit) const;
  // The baselines' scores by five folds of all rows, each by those fitted to the four others.
  virtual BaselineScores cross_validated_baselines() const;
  // How many rows of equal weight know as much as the rows to train on.
  virtual double effective_rows() const = 0;
  // The same rows with those to validate on among those to train on; of a table. What the flow is
  // told before it learns stays that of the training rows: whitened by themselves alone, few rows
  // look less spread out than others will. (tests/bench/RESULTS.md, rows held out and the refit)
  virtual std::unique_ptr<const Dataset> without_validation() const = 0;
};

// Reads `path` and holds out a part of it as `settings` say, or validates on all rows of `val` when
// that is not empty. Throws DataError for rows that no fit can work on, such as one outside its
// bounds.
std::unique_ptr<const Dataset> read_dataset(const std::string& path, const std::string& val,
                                            const Settings& settings);

}  // namespace iflow
