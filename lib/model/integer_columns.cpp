#include "model/integer_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "data/input_file.h"
#include "data/number_text.h"
#include "model/column_to_fit.h"
#include "report/number_format.h"

namespace iflow {
namespace {

const LatticeColumn* find(const std::vector<LatticeColumn>& lattices, std::size_t column) {
  const auto found = std::find_if(lattices.begin(), lattices.end(),
                                  [&](const LatticeColumn& c) { return c.column == column; });
  return found == lattices.end() ? nullptr : &*found;
}

// Bounds far beyond any lattice point are left alone.
bool is_near(double bound) { return std::fabs(bound) < 0x1p52; }

}  // namespace

std::vector<LatticeColumn> lattices_of(const Table& table, std::size_t modelled,
                                       const std::vector<std::string>& continuous) {
  std::vector<LatticeColumn> lattices = find_lattices(table);
  std::erase_if(lattices, [&](const LatticeColumn& c) { return c.column >= modelled; });
  const std::vector<std::string> columns(
      table.columns.begin(), table.columns.begin() + static_cast<std::ptrdiff_t>(modelled));
  const bool has_all = std::count(columns.begin(), columns.end(), "all") > 0;
  if (!has_all && continuous == std::vector<std::string>{"all"}) return {};
  for (const std::string& name : continuous) {
    const std::size_t column = column_to_fit("--continuous", name, columns);
    std::erase_if(lattices, [&](const LatticeColumn& c) { return c.column == column; });
  }
  return lattices;
}

void widen_to_bins(IntervalConfig& bounds, const std::vector<LatticeColumn>& lattices) {
  for (ColumnInterval& b : bounds.columns) {
    const LatticeColumn* lattice = find(lattices, b.column);
    if (lattice == nullptr) continue;
    if (b.lower && is_near(*b.lower)) {
      const double below = lattice_floor(*lattice, *b.lower);
      b.lower = below < *b.lower ? below + lattice->step : below;
    }
    if (b.upper && is_near(*b.upper)) {
      const double end = lattice_floor(*lattice, *b.upper) + lattice->step;
      b.upper = std::nextafter(end, -std::numeric_limits<double>::infinity());
    }
  }
}

void narrow_to_lattice(IntervalConfig& bounds, const std::vector<LatticeColumn>& lattices) {
  for (ColumnInterval& b : bounds.columns) {
    const LatticeColumn* lattice = find(lattices, b.column);
    if (lattice != nullptr && b.upper && is_near(*b.upper)) {
      b.upper = lattice_floor(*lattice, *b.upper);
    }
  }
}

Dequantise dequantise_of(const Fit& fit) { return {fit.lattices, fit.flow.row_width()}; }

void refuse_off_lattice(const Fit& fit, const Rows& rows, const std::string& path) {
  const Dequantise dequantise = dequantise_of(fit);
  const std::size_t width = fit.flow.row_width();
  for (std::size_t i = 0; i < rows.indices.size(); ++i) {
    const auto row = rows.values.subspan(i * width, width);
    const LatticeColumn* off = dequantise.off_lattice(row);
    if (off == nullptr) continue;
    throw DataError(display_name(path) + ": row " + std::to_string(rows.indices[i] + 1) +
                    " (the header not counted): column \"" +
                    modelled_columns(fit.data)[off->column] + "\" is " +
                    number_text(row[off->column]) + ", not one of the model's integers " +
                    number_text(off->origin) + " + k * " + number_text(off->step));
  }
}

std::vector<double> centred_rows(const Fit& fit, const Rows& rows, const std::string& path) {
  refuse_off_lattice(fit, rows, path);
  std::vector<double> x(rows.values.begin(), rows.values.end());
  dequantise_of(fit).centre(x);
  return x;
}

std::string describe_lattices(const std::vector<LatticeColumn>& lattices,
                              const std::vector<std::string>& columns) {
  std::string text;
  for (const LatticeColumn& c : lattices) {
    text += (text.empty() ? "" : ", ") + columns[c.column];
    if (c.step != 1) text += " (steps of " + number_text(c.step) + ")";
  }
  return text;
}

std::vector<std::string> names_of(const std::vector<LatticeColumn>& lattices,
                                  const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const LatticeColumn& c : lattices) names.push_back(columns[c.column]);
  return names;
}

std::string measure_of(const std::vector<LatticeColumn>& lattices,
                       const std::vector<std::string>& columns) {
  const double log_steps = Dequantise(lattices, columns.size()).log_steps();
  return std::to_string(lattices.size()) +
         (lattices.size() == 1 ? " integer column is" : " integer columns are") +
         " spread evenly over the steps: ln p is the density of the spread-out row, averaged "
         "over the spread; " +
         (log_steps == 0 ? "" : "plus " + fixed_point(log_steps) + " (ln of the steps) ") +
         "it is at most the log-probability of the integers";
}

}  // namespace iflow
