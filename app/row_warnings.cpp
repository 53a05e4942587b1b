#include "row_warnings.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "screen.h"

namespace iflow {

namespace {

std::string counted(std::size_t rows) {
  return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

}  // namespace

void warn_of_dropped(const RowCounts& counts) {
  if (counts.dropped == 0) return;
  Screen(false).warn("dropped " + std::to_string(counts.dropped) + " of " + counted(counts.read) +
                     ": missing values");
}

void warn_of_infinite(std::size_t rows) {
  if (rows == 0) return;
  Screen(false).warn(counted(rows) + (rows == 1 ? " has" : " have") +
                     " an infinite log-density: density zero, or beyond what a double holds");
}

std::size_t count_infinite(std::span<const double> log_density) {
  return static_cast<std::size_t>(std::count_if(log_density.begin(), log_density.end(),
                                                [](double v) { return std::isinf(v); }));
}

}  // namespace iflow
