// The rows of a fit of a table.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fit/dataset.h"
#include "preprocess/moments.h"

namespace iflow {

class TableDataset final : public Dataset {
 public:
  std::vector<double> training;     // (n, width), as `validation`
  std::vector<double> weights;      // of the training rows, of mean 1; none: 1 each
  std::vector<double> all_weights;  // of the training rows, then those to validate on, of mean 1
  // Numbers of the rows in the table: what the noise is keyed by.
  std::vector<std::uint64_t> training_ids, validation_ids;
  std::optional<IntervalConfig> bounds;  // where columns have them, dequantised
  ColumnMoments moments;                 // of the modelled columns after the bounds
  ConditionConfig condition;             // of the given columns
  std::optional<WhitenConfig> whiten;    // for their correlations, in more than two dimensions
  Gaussian gaussian;                     // fitted to the training rows
  std::uint64_t seed = 0;                // of the mixture, which is fitted when it is asked for

  DataShape shape() const override;
  FlowConfig flow_of(const FlowOptions& options) const override;
  TrainingData training_data(const FlowConfig& flow, std::uint64_t noise_seed) const override;
  void set_baselines(Fit& fit) const override;
  BaselineScores scores_of_baselines(const Fit& fit) const override;
  void set_stack(Fit& fit) const override;
  BaselineScores cross_validated_baselines() const override;
  double effective_rows() const override;
  std::unique_ptr<const Dataset> without_validation() const override;

 private:
  mutable std::optional<Mixture> mixture_;  // as soon as it was asked for
};

// The modelled columns of rows (n, width), as the layers behind the bounds see them.
std::vector<double> behind_bounds(const TableDataset& data, std::vector<double> rows);

std::unique_ptr<const TableDataset> read_table_dataset(const std::string& path,
                                                       const std::string& val,
                                                       const Settings& settings);

}  // namespace iflow
