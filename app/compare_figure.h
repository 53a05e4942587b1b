// The figure of a comparison in the plane.
#pragma once

#include <cstdint>
#include <vector>

#include "compare_report.h"
#include "report/comparison_figure.h"

namespace iflow {

// Grows with the models. One set of data: a row a model with data, density and samples. Several:
// a column a set, the data on top and below them a row of densities a model.
class CompareFigure {
 public:
  // `models`: names; samples are drawn by `seed`.
  CompareFigure(const std::vector<std::string>& models, bool is_single, std::uint64_t seed);

  // The next set of data, rows (n, 2), and its models in order; `nats` is what the model has.
  void add_data(const std::string& name, const std::vector<double>& rows);
  void add_model(const Model& model, const MeanAndError& nats);

  const ComparisonFigure& figure() const { return figure_; }

 private:
  bool is_single_;
  std::uint64_t seed_;
  std::vector<DataPoint> points_;  // of the data added last
  std::size_t next_row_ = 0;       // for the next model
  ComparisonFigure figure_;
};

}  // namespace iflow
