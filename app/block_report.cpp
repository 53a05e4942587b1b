#include "block_report.h"

#include <algorithm>

#include "report/number_format.h"
#include "report/text_table.h"

namespace iflow {

bool is_block(const Model& model, std::size_t layer) {
  const std::string& kind = model.flow().kind(layer);
  return kind == "residual" || kind == "convolutional";
}

BlockReport::BlockReport(const Model& model) {
  const std::vector<double>& bounds = model.lipschitz_bounds();
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (is_block(model, i)) blocks_.push_back({i, bounds[i]});
  }
}

void BlockReport::add(const InversionReport& inversion, std::size_t rows) {
  for (Block& b : blocks_) {
    b.evaluations += inversion.mean_iterations[b.layer] * static_cast<double>(rows);
    b.max_evaluations = std::max(b.max_evaluations, inversion.max_iterations[b.layer]);
  }
  rows_ += rows;
}

std::string BlockReport::text() const {
  std::vector<std::vector<std::string>> rows;
  for (const Block& b : blocks_) {
    rows.push_back({name_of(b), fixed_point(b.lipschitz), fixed_point(per_row(b.evaluations), 2),
                    std::to_string(b.max_evaluations)});
  }
  return format_text_table({"block", "Lipschitz bound", "mean evaluations", "max evaluations"},
                           rows);
}

nlohmann::json BlockReport::json() const {
  nlohmann::json blocks = nlohmann::json::array();
  for (const Block& b : blocks_) {
    blocks.push_back({{"name", name_of(b)},
                      {"lipschitz_bound", b.lipschitz},
                      {"mean_evaluations", per_row(b.evaluations)},
                      {"max_evaluations", b.max_evaluations}});
  }
  return blocks;
}

}  // namespace iflow
