// Several models of the same rows, fitted and measured.
#pragma once

#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "fit/measures.h"
#include "fit/result.h"

namespace iflow {

// One model, fitted and measured.
struct ComparedModel {
  std::string name;
  std::string checkpoint;  // empty: it was not kept
  double seconds = 0;      // of the fit, reading the data left out
  FitResult fitted;
  ModelMeasures measures;
};

struct ComparedData {
  std::string name;
  std::vector<double> weights;  // of the held-out rows; none: 1 each
  std::vector<ComparedModel> models;

  // What is the same for all models.
  const FitResult& any() const { return models.front().fitted; }
  const DataRecord& record() const { return any().fit.data; }
};

// Mean negative log-density per held-out row, nats.
MeanAndError mean_of(const ComparedData& data, const ComparedModel& model);

// By how much it is above that of the best model, row by row: 0 of that itself.
MeanAndError above_best(const ComparedData& data, const ComparedModel& model);

// The model with the smallest mean, the first of equals.
const ComparedModel& best_of(const ComparedData& data);

}  // namespace iflow
