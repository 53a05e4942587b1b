// Which rows train and which validate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace iflow {

struct Split {
  std::vector<std::size_t> training;    // row indices, ascending
  std::vector<std::size_t> validation;  // row indices, ascending
};

// Holds out round(fraction * rows) rows, drawn without replacement by (seed, RngPurpose::kSplit);
// at least one row validates (if fraction > 0) and at least one trains. The same arguments give the
// same split everywhere. Throws UsageError for a fraction outside [0, 1), DataError for too few
// rows.
Split split_rows(std::size_t rows, double fraction, std::uint64_t seed);

}  // namespace iflow
