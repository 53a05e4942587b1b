// The images of a fit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fit/dataset.h"

namespace iflow {

class ImageDataset final : public Dataset {
 public:
  Images images;          // those of DATA, then those of a file to validate on
  PixelHistogram pixels;  // of those to train on
  // Numbers of the images: what the noise is keyed by.
  std::vector<std::uint64_t> training_ids, validation_ids;

  DataShape shape() const override;
  FlowConfig flow_of(const FlowOptions& options) const override;
  TrainingData training_data(const FlowConfig& flow, std::uint64_t seed) const override;
  void set_baselines(Fit& fit) const override;
  BaselineScores scores_of_baselines(const Fit& fit) const override;
  double effective_rows() const override { return static_cast<double>(record.training_rows); }
  std::unique_ptr<const Dataset> without_validation() const override;
};

std::unique_ptr<const ImageDataset> read_image_dataset(const std::string& path,
                                                       const std::string& val,
                                                       const Settings& settings);

}  // namespace iflow
