// Bounds of columns: as the command line gives them, a=0:1, and what lies outside of them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/interval.h"
#include "model/fit_record.h"
#include "model/rows.h"

namespace iflow {

// The layer for bounds given as text; none without any. The unit of a single bound is the mean
// distance of the rows (n, columns.size()) from it. Throws UsageError for a column that is not
// there or has bounds twice.
std::optional<IntervalConfig> bounds_of(const std::vector<std::string>& texts,
                                        const std::vector<std::string>& columns,
                                        std::span<const double> rows);

// The bounds that a flow was fitted with, of the data's own numbers; none without any.
std::optional<IntervalConfig> find_bounds(const Fit& fit);

// "a in [0, 1] (logit), b >= 0 (log)"
std::string describe_bounds(const IntervalConfig& bounds, const std::vector<std::string>& columns);

// A number outside its bounds: where it stands, and in words.
struct Outside {
  std::size_t row;   // of those searched
  std::string what;  // column "a" is 7, outside its bounds [0, 1]
};

// The first row (n, columns.size()) from `first` on that is outside.
std::optional<Outside> find_outside(const IntervalConfig& bounds,
                                    const std::vector<std::string>& columns,
                                    std::span<const double> rows, std::size_t first = 0);

// Throws DataError naming the first row that has no image: it is outside the model's bounds.
void refuse_outside(const Fit& fit, const Rows& rows, const std::string& path);

}  // namespace iflow
