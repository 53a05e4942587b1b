// What compare finds, for a person and for a program.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fit/comparison.h"

namespace iflow {

// The mean negative log-density for a person: "2.4013 ± 0.0042 nats per held-out row", of images in
// bits/dim.
std::string likelihood_text(const ComparedData& data, const ComparedModel& model);

std::string comparison_text(const std::vector<ComparedData>& comparisons);
nlohmann::json comparison_json(const std::vector<ComparedData>& comparisons);
// The fields of comparison_json, for --help.
extern const char* const kComparisonFields;

}  // namespace iflow
