// What eval finds, for a person and for a program.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "model/marginals.h"
#include "row_stream.h"

namespace iflow {

// A baseline, and the model against it.
struct Comparison {
  std::string name;                 // in a table
  std::string key, difference_key;  // in JSON
  MeanAndError log_density;         // nats per row
  MeanAndError gain;                // model - baseline, row by row
};

struct Evaluation {
  RowCounts counts;
  std::size_t rows() const { return counts.read - counts.dropped; }
  std::size_t infinite = 0;  // rows of log-density -inf
  std::size_t draws = 0;     // of every row's noise, with integer columns
  MeanAndError model;        // log-density, nats per row
  std::vector<Comparison> comparisons;
  std::vector<std::string> columns;    // names
  std::vector<std::vector<double>> z;  // latent columns, of the rows within their bounds
  Marginals marginals;                 // of the same rows
  std::vector<std::string> notes;      // on how it was measured
};

// nats, nats_se, bits_per_dim, bits_per_dim_se.
nlohmann::json likelihood_json(const MeanAndError& log_p, std::size_t dimension);

std::string evaluation_text(const Evaluation& evaluation);
nlohmann::json evaluation_json(const Evaluation& evaluation);
// The fields of evaluation_json, for --help.
extern const char* const kEvaluationFields;

}  // namespace iflow
