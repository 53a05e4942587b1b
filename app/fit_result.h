// What a fit reports when it is done.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "checkpoint/model_file.h"
#include "fit_data.h"

namespace iflow {

struct FitResult {
  std::string checkpoint;
  const Fit& fit;
  MeanAndError held_out = {};  // log-density per validation row, of the best parameters, nats
  MeanAndError gaussian = {};  // of the Gaussian baseline, on the same rows
  MeanAndError mixture = {};   // of the mixture of Gaussians
  MeanAndError pixels = {};    // of independent pixels, which images have instead
  std::size_t parameters = 0;  // numbers learned
  double seconds = 0;          // of this command
  double effective_rows = 0;   // to train on: effective_rows of their weights
};

FitResult evaluate_fit(const std::string& checkpoint, const Fit& fit, const FitData& data,
                       double seconds);

// {"mean": 2.4, "se": 0.01}
nlohmann::json mean_and_se(const MeanAndError& x);

// Whether the fit ended before its plan.
bool stopped_early(const Fit& fit);

// For a person, and for a program.
std::string result_text(const FitResult& result);
nlohmann::json result_json(const FitResult& result);
// The fields of result_json, for --help.
extern const char* const kFitResultFields;

}  // namespace iflow
