// The numbers of a row, as the data has them and as the flow takes them. In the data a row stands
// in the columns' own order, integers are integers, and numbers lie within their bounds; of a model
// of images it is height x width x channels integers. The flow takes the modelled columns first and
// the given ones behind them, integers spread over their steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "flow/dequantise.h"
#include "flow/interval.h"
#include "model/fit_record.h"

namespace iflow {

// A row of the data that a model can't use.
class RowError : public DataError {
 public:
  // `problem` names the column; `row` counts from 0 among the rows that were handed over.
  RowError(std::size_t row, const std::string& problem)
      : DataError("row " + std::to_string(row + 1) + ": " + problem),
        row_(row),
        problem_(problem) {}

  std::size_t row() const { return row_; }
  const std::string& problem() const { return problem_; }

 private:
  std::size_t row_;
  std::string problem_;
};

// Below, n rows of width() numbers stand in the data's order or in the flow's.
class Columns {
 public:
  explicit Columns(const Fit& fit);

  std::size_t modelled() const { return modelled_; }  // d: columns that the density is of
  std::size_t width() const { return to_data_.size(); }
  bool empty() const { return dequantise_.empty(); }  // whether no column holds integers
  const std::optional<ImageRecord>& image() const { return image_; }
  const Dequantise& dequantise() const { return dequantise_; }
  const std::optional<IntervalConfig>& bounds() const { return bounds_; }  // of the data's numbers
  // Names in the order of the flow. Of images, where a number stands: "row 1, column 2, channel 1".
  std::string name(std::size_t column) const;

  // The order alone: (n, width) -> (n, width).
  std::vector<double> in_flow_order(std::span<const double> rows) const;
  std::vector<double> in_data_order(std::span<const double> rows) const;

  // The first `d` numbers of every row of `rows` (n, width), flow's order, replaced by `modelled`
  // (n, d).
  std::vector<double> with_condition(std::span<const double> modelled,
                                     std::span<const double> rows) const;

  // Rows (n, width) in the flow's order. What is wrong with a row that has no latent row: a number
  // outside its bounds, or off the lattice of its integers; empty where nothing is.
  std::string problem(std::span<const double> row) const;
  // Throws RowError naming the first row that is outside its bounds or off its lattice.
  void check(std::span<const double> rows) const;

  // Rows of the data -> rows of the flow, integers in the middle of their steps. Throws as check.
  std::vector<double> centred(std::span<const double> rows) const;
  // Rows of the flow -> rows of the data: integers rounded down, pixels to the nearest of their
  // values. Throws NumericError for a pixel that is not a number.
  std::vector<double> to_data(std::vector<double> rows) const;

 private:
  std::string off_lattice_problem(std::span<const double> row) const;
  std::string outside_problem(std::span<const double> row) const;

  std::size_t modelled_;
  std::vector<std::size_t> to_data_;  // of the flow's columns, where they stand in the data
  std::vector<std::string> names_;    // in the flow's order; none of images
  std::optional<ImageRecord> image_;
  Dequantise dequantise_;
  std::optional<IntervalConfig> bounds_;
};

}  // namespace iflow
