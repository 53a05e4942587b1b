#include "model/columns.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/number_text.h"
#include "model/column_bounds.h"
#include "model/integer_columns.h"

namespace iflow {
namespace {

// Where the flow's columns stand in the data.
std::vector<std::size_t> order_of(const Fit& fit) {
  std::vector<std::size_t> order(fit.flow.row_width());
  std::iota(order.begin(), order.end(), 0);
  if (fit.data.given.empty()) return order;
  const std::vector<std::string> names = row_columns(fit.data);
  for (std::size_t j = 0; j < names.size(); ++j) {
    const auto found = std::find(fit.data.columns.begin(), fit.data.columns.end(), names[j]);
    order[j] = static_cast<std::size_t>(found - fit.data.columns.begin());
  }
  return order;
}

}  // namespace

Columns::Columns(const Fit& fit)
    : modelled_(fit.flow.dimension),
      to_data_(order_of(fit)),
      names_(row_columns(fit.data)),
      image_(fit.data.image),
      dequantise_(dequantise_of(fit)),
      bounds_(find_bounds(fit)) {}

std::string Columns::name(std::size_t column) const {
  if (!image_) return "column \"" + names_[column] + "\"";
  const std::size_t channels = image_->shape.channels, pixel = column / channels;
  return "the pixel in row " + std::to_string(pixel / image_->shape.width + 1) + ", column " +
         std::to_string(pixel % image_->shape.width + 1) + ", channel " +
         std::to_string(column % channels + 1);
}

std::vector<double> Columns::in_flow_order(std::span<const double> rows) const {
  std::vector<double> ordered(rows.size());
  for (std::size_t i = 0; i < rows.size(); i += width()) {
    for (std::size_t j = 0; j < width(); ++j) ordered[i + j] = rows[i + to_data_[j]];
  }
  return ordered;
}

std::vector<double> Columns::in_data_order(std::span<const double> rows) const {
  std::vector<double> ordered(rows.size());
  for (std::size_t i = 0; i < rows.size(); i += width()) {
    for (std::size_t j = 0; j < width(); ++j) ordered[i + to_data_[j]] = rows[i + j];
  }
  return ordered;
}

std::vector<double> Columns::with_condition(std::span<const double> modelled,
                                            std::span<const double> rows) const {
  std::vector<double> joined(rows.begin(), rows.end());
  for (std::size_t i = 0; i < modelled.size(); ++i) {
    joined[i / modelled_ * width() + i % modelled_] = modelled[i];
  }
  return joined;
}

std::string Columns::off_lattice_problem(std::span<const double> row) const {
  const LatticeColumn* off = dequantise_.off_lattice(row);
  if (off == nullptr) return {};
  return name(off->column) + " is " + number_text(row[off->column]) +
         ", not one of the model's integers " + number_text(off->origin) + " + k * " +
         number_text(off->step);
}

std::string Columns::outside_problem(std::span<const double> row) const {
  if (!bounds_) return {};
  const std::optional<Outside> outside = find_outside(*bounds_, names_, row);
  return outside ? outside->what + "; it is outside the bounds, so it has no latent row" : "";
}

std::string Columns::problem(std::span<const double> row) const {
  const std::string off_lattice = off_lattice_problem(row);
  return off_lattice.empty() ? outside_problem(row) : off_lattice;
}

void Columns::check(std::span<const double> rows) const {
  const std::size_t n = rows.size() / width();
  for (std::size_t i = 0; i < n; ++i) {
    const std::string wrong = off_lattice_problem(rows.subspan(i * width(), width()));
    if (!wrong.empty()) throw RowError(i, wrong);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::string wrong = outside_problem(rows.subspan(i * width(), width()));
    if (!wrong.empty()) throw RowError(i, wrong);
  }
}

std::vector<double> Columns::centred(std::span<const double> rows) const {
  std::vector<double> x = in_flow_order(rows);
  check(x);
  dequantise_.centre(x);
  return x;
}

std::vector<double> Columns::to_data(std::vector<double> rows) const {
  if (image_) {
    const double largest = (1 << image_->bits) - 1;
    for (double& x : rows) {
      if (std::isnan(x)) throw NumericError("a pixel is not a number");
      x = std::clamp(std::floor(x), 0.0, largest);
    }
    return rows;
  }
  dequantise_.round_down(rows);
  return in_data_order(rows);
}

}  // namespace iflow
