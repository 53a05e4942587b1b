// What compare finds, for a person and for a program.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
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
// The same for a person: "2.4013 ± 0.0042 nats per held-out row", of images in bits/dim.
std::string likelihood_text(const ComparedData& data, const ComparedModel& model);

std::string comparison_text(const std::vector<ComparedData>& comparisons);
nlohmann::json comparison_json(const std::vector<ComparedData>& comparisons);
// The fields of comparison_json, for --help.
extern const char* const kComparisonFields;

}  // namespace iflow
