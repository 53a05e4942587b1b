#include "model/column_bounds.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "base/error.h"
#include "data/input_file.h"
#include "data/number_text.h"
#include "model/column_to_fit.h"
#include "model/integer_columns.h"
#include "preprocess/named_bounds.h"
#include "report/number_format.h"

namespace iflow {
namespace {

double mean_distance(std::span<const double> rows, std::size_t column, std::size_t d, double from) {
  const std::size_t count = rows.size() / d;
  const auto n = static_cast<double>(count);
  double mean = 0;
  for (std::size_t i = column; i < rows.size(); i += d) mean += std::fabs(rows[i] - from) / n;
  return mean;
}

std::string interval(const ColumnInterval& b) {
  if (!b.upper) return ">= " + number_text(*b.lower);
  if (!b.lower) return "<= " + number_text(*b.upper);
  return "in [" + number_text(*b.lower) + ", " + number_text(*b.upper) + "]";
}

}  // namespace

std::optional<IntervalConfig> bounds_of(const std::vector<std::string>& texts,
                                        const std::vector<std::string>& columns,
                                        std::span<const double> rows) {
  if (texts.empty()) return std::nullopt;
  IntervalConfig config;
  for (const std::string& text : texts) {
    NamedBounds named;
    const std::string problem = parse_bounds(text, named);
    if (!problem.empty()) throw UsageError("--bounds: " + problem);
    ColumnInterval bounds{column_to_fit("--bounds", named.column, columns), named.lower,
                          named.upper};
    const auto is_same = [&](const ColumnInterval& other) { return other.column == bounds.column; };
    if (std::any_of(config.columns.begin(), config.columns.end(), is_same)) {
      throw UsageError("--bounds: column \"" + named.column + "\" is given twice");
    }
    if (!(named.lower && named.upper)) {
      bounds.scale = mean_distance(rows, bounds.column, columns.size(),
                                   named.lower ? *named.lower : *named.upper);
    }
    config.columns.push_back(bounds);
  }
  return config;
}

std::optional<IntervalConfig> find_bounds(const Fit& fit) {
  for (const LayerConfig& layer : fit.flow.layers) {
    const auto* bounds = std::get_if<IntervalConfig>(&layer);
    if (bounds == nullptr) continue;
    IntervalConfig of_data = *bounds;
    narrow_to_lattice(of_data, fit.lattices);
    return of_data;
  }
  return std::nullopt;
}

std::string describe_bounds(const IntervalConfig& bounds, const std::vector<std::string>& columns) {
  std::string text;
  for (const ColumnInterval& b : bounds.columns) {
    text += (text.empty() ? "" : ", ") + columns[b.column] + " " + interval(b) +
            (b.lower && b.upper ? " (logit)" : " (log)");
  }
  return text + "; alpha " + significant(bounds.alpha);
}

std::optional<Outside> find_outside(const IntervalConfig& bounds,
                                    const std::vector<std::string>& columns,
                                    std::span<const double> rows, std::size_t first) {
  const std::size_t d = columns.size();
  for (std::size_t row = first; row < rows.size() / d; ++row) {
    for (const ColumnInterval& b : bounds.columns) {
      const double x = rows[row * d + b.column];
      if (IntervalMap(b, bounds.alpha).contains(x)) continue;
      std::string number;
      append_number(number, x);
      return Outside{row, "column \"" + columns[b.column] + "\" is " + number +
                              ", against its bounds: " + columns[b.column] + " " + interval(b)};
    }
  }
  return std::nullopt;
}

void refuse_outside(const Fit& fit, const Rows& rows, const std::string& path) {
  const std::optional<IntervalConfig> bounds = find_bounds(fit);
  if (!bounds) return;
  const auto outside = find_outside(*bounds, row_columns(fit.data), rows.values);
  if (!outside) return;
  throw DataError(display_name(path) + ": row " + std::to_string(rows.indices[outside->row] + 1) +
                  " (the header not counted): " + outside->what + "; it has no image");
}

}  // namespace iflow
