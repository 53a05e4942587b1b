// What a fit reports when it is done, for a person and for a program.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/mean_and_error.h"
#include "fit/result.h"

namespace iflow {

// {"mean": 2.4, "se": 0.01}
nlohmann::json mean_and_se(const MeanAndError& x);

// `seconds`: of the command.
std::string result_text(const std::string& checkpoint, const FitResult& result, double seconds);
nlohmann::json result_json(const std::string& checkpoint, const FitResult& result, double seconds);
// The fields of result_json, for --help.
extern const char* const kFitResultFields;

// What the checkpoint of a fit that was ended early holds: "step 300 of 1500".
std::string ended_text(const FitResult& result);

}  // namespace iflow
