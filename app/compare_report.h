// What compare finds, for a person and for a program.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "checkpoint/model_file.h"
#include "compare_measures.h"
#include "fit_data.h"

namespace iflow {

// One model, fitted and measured.
struct ComparedModel {
  std::string name;
  std::string checkpoint;  // empty: it was not kept
  nlohmann::json options;  // of the fit
  std::size_t parameters = 0;
  std::uint64_t steps = 0, best_step = 0;
  bool stopped_early = false;
  double seconds = 0;  // of the fit, reading the data left out
  ModelMeasures measures;
};

struct ComparedData {
  std::string name;
  DataRecord record;
  std::vector<LatticeColumn> lattices;
  std::vector<double> weights;  // of the held-out rows; none: 1 each
  MeanAndError gaussian;        // negative log-density per held-out row, nats
  MeanAndError mixture;
  std::size_t components = 0;  // of the mixture
  MeanAndError pixels;         // of images, in place of both: that of independent pixels
  std::vector<ComparedModel> models;
};

// All but the models.
ComparedData compared_data(const std::string& name, const FitData& data, const Mixture& mixture);

// Mean negative log-density per held-out row, nats.
MeanAndError mean_of(const ComparedData& data, const ComparedModel& model);
// The same for a person: "2.4013 ± 0.0042 nats per held-out row", of images in bits/dim.
std::string likelihood_text(const ComparedData& data, const ComparedModel& model);

std::string comparison_text(const std::vector<ComparedData>& comparisons);
nlohmann::json comparison_json(const std::vector<ComparedData>& comparisons);
// The fields of comparison_json, for --help.
extern const char* const kComparisonFields;

}  // namespace iflow
