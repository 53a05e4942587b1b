#include "invert_report.h"

#include <algorithm>
#include <cmath>

#include "report/number_format.h"
#include "report/text_table.h"

namespace iflow {

namespace {

// Standard deviations of the training data, in its own units, as its Gaussian has them.
std::vector<double> spreads_of(const Gaussian& gaussian) {
  std::vector<double> spreads;
  for (std::size_t j = 0; j < gaussian.mean.size(); ++j) {
    spreads.push_back(std::sqrt(gaussian.covariance[j * (gaussian.mean.size() + 1)]));
  }
  return spreads;
}

}  // namespace

InvertReport::InvertReport(const Fit& fit, const Model& model)
    : blocks_(model), width_(model.row_width()) {
  const std::vector<double> spreads = spreads_of(fit.gaussian);
  const std::vector<std::string> names = modelled_columns(fit.data);
  for (std::size_t j = 0; j < names.size(); ++j) columns_.push_back({names[j], spreads[j]});
}

void InvertReport::add(std::span<const double> x, std::span<const double> reconstruction,
                       const InversionReport& inversion) {
  const std::size_t n = x.size() / width_;
  blocks_.add(inversion, n);
  for (std::size_t row = 0; row < n; ++row) {
    double squares = 0;
    for (std::size_t j = 0; j < columns_.size(); ++j) {
      const std::size_t i = row * width_ + j;
      const double error = std::abs(x[i] - reconstruction[i]);
      columns_[j].max_error = std::max(columns_[j].max_error, error);
      columns_[j].sum_of_errors += error;
      squares += error * error;
    }
    largest_error_ = std::max(largest_error_, std::sqrt(squares));
  }
  for (const double bound : inversion.bound) largest_bound_ = std::max(largest_bound_, bound);
  rows_ += n;
  unconverged_ += inversion.unconverged;
}

double InvertReport::largest_error() const {
  double largest = 0;
  for (const Column& c : columns_) largest = std::max(largest, c.max_error / c.spread);
  return largest;
}

bool InvertReport::bound_says_something() const {
  return std::all_of(columns_.begin(), columns_.end(),
                     [&](const Column& c) { return largest_bound_ < c.spread; });
}

std::string InvertReport::text() const {
  std::vector<std::vector<std::string>> column_rows;
  for (const Column& c : columns_) {
    const double mean = per_row(c.sum_of_errors);
    column_rows.push_back({c.name, significant(c.max_error), significant(mean),
                           significant(c.max_error / c.spread), significant(mean / c.spread)});
  }
  const std::string error =
      "largest distance between a row and its reconstruction: " + significant(largest_error_) +
      "\n";
  std::string bound =
      "largest proved bound of the distance to the exact inverse of the latent row: " +
      significant(largest_bound_) + "\n";
  if (!bound_says_something()) {
    bound += "(more than the spread of the data: it says nothing)\n";
  }
  if (blocks_.empty() && !std::isfinite(largest_bound_)) {
    bound = std::string(kInvertedInClosedForm) + "\n";
  }
  return (blocks_.empty() ? "" : blocks_.text() + "\n") +
         format_text_table(
             {"column", "max error", "mean error", "max error / spread", "mean error / spread"},
             column_rows) +
         "\n" + error + bound + "unconverged rows: " + std::to_string(unconverged_) + " of " +
         std::to_string(rows_);
}

nlohmann::json InvertReport::json() const {
  nlohmann::json columns = nlohmann::json::array();
  for (const Column& c : columns_) {
    columns.push_back({{"name", c.name},
                       {"spread", c.spread},
                       {"max_error", c.max_error},
                       {"mean_error", per_row(c.sum_of_errors)}});
  }
  return {{"rows", rows_},
          {"unconverged", unconverged_},
          {"largest_error", largest_error_},
          {"largest_bound", largest_bound_},
          {"bound_says_something", bound_says_something()},
          {"blocks", blocks_.json()},
          {"columns", std::move(columns)}};
}

}  // namespace iflow
