#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/rng.h"

namespace iflow {
namespace {

std::size_t count_held_out(std::size_t rows, double fraction) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw UsageError("the validation fraction must be at least 0 and below 1");
  }
  const std::size_t needed = fraction > 0 ? 2 : 1;
  if (rows < needed) {
    throw DataError("too few rows (" + std::to_string(rows) + ") to train" +
                    (fraction > 0 ? " and hold some out for validation" : ""));
  }
  if (fraction == 0) return 0;
  const double held_out = std::round(fraction * static_cast<double>(rows));
  return std::clamp<std::size_t>(static_cast<std::size_t>(held_out), 1, rows - 1);
}

}  // namespace

Split split_rows(std::size_t rows, double fraction, std::uint64_t seed) {
  const std::size_t held_out = count_held_out(rows, fraction);
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The first steps of a Fisher-Yates shuffle: enough to draw `held_out` rows.
  Rng rng(seed, RngPurpose::kSplit);
  for (std::size_t i = 0; i < held_out; ++i) {
    std::swap(order[i], order[i + rng.below(rows - i)]);
  }
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(held_out);
  Split split{{middle, order.end()}, {order.begin(), middle}};
  std::sort(split.training.begin(), split.training.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace iflow
