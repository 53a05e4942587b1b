// How the inversion of a table went: what `iflow invert` tells about it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "block_report.h"
#include "checkpoint/model_file.h"

namespace iflow {

class InvertReport {
 public:
  InvertReport(const Fit& fit, const Model& model);

  // Takes in some rows x (n, width), their reconstructions and the inversion's own report.
  void add(std::span<const double> x, std::span<const double> reconstruction,
           const InversionReport& inversion);

  std::size_t rows() const { return rows_; }
  std::size_t unconverged() const { return unconverged_; }
  // The largest of all errors, in spreads of its column.
  double largest_error() const;

  // Tables for a terminal, without the last line end, and their content as JSON (see the
  // command's help).
  std::string text() const;
  nlohmann::json json() const;

 private:
  struct Column {
    std::string name;
    double spread;         // standard deviation of the training data
    double max_error = 0;  // |x - reconstruction|
    double sum_of_errors = 0;
  };

  double per_row(double sum) const { return sum / static_cast<double>(rows_); }
  bool bound_says_something() const;

  BlockReport blocks_;
  std::vector<Column> columns_;  // those modelled
  std::size_t width_;            // numbers in a row
  double largest_bound_ = 0;
  double largest_error_ = 0;  // ||x - reconstruction||
  std::size_t rows_ = 0;
  std::size_t unconverged_ = 0;
};

}  // namespace iflow
