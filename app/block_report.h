// How the inversion of residual blocks went, block by block.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/flow_model.h"

namespace iflow {

// Whether a layer is a residual block, dense or convolutional.
bool is_block(const Model& model, std::size_t layer);

// What is to say of an inverse without blocks and bounds.
inline constexpr const char* kInvertedInClosedForm =
    "every layer is inverted in closed form: the error is rounding, of which nothing is proved";

class BlockReport {
 public:
  explicit BlockReport(const Model& model);

  // Takes in the report on `rows` rows.
  void add(const InversionReport& inversion, std::size_t rows);

  bool empty() const { return blocks_.empty(); }
  // A table for a terminal, and its content as JSON: name, lipschitz_bound, mean_evaluations,
  // max_evaluations.
  std::string text() const;
  nlohmann::json json() const;

 private:
  struct Block {
    std::size_t layer;        // in the flow
    double lipschitz;         // proved bound of Lip(g)
    double evaluations = 0;   // of g, summed over the rows
    int max_evaluations = 0;  // of a row
  };
  std::string name_of(const Block& block) const { return "flow." + std::to_string(block.layer); }
  double per_row(double sum) const { return sum / static_cast<double>(rows_); }

  std::vector<Block> blocks_;
  std::size_t rows_ = 0;
};

}  // namespace iflow
