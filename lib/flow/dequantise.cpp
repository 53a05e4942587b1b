#include "flow/dequantise.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/rng.h"

namespace iflow {

Dequantise::Dequantise(std::vector<LatticeColumn> lattices, std::size_t dimension)
    : lattices_(std::move(lattices)), dimension_(dimension) {
  std::set<std::size_t> seen;
  for (const LatticeColumn& c : lattices_) {
    if (c.column >= dimension || !seen.insert(c.column).second) {
      throw UsageError("lattices: column " + std::to_string(c.column) +
                       " does not exist or is given twice");
    }
    if (!is_integer(c.step) || !is_integer(c.origin) || !(c.step > 0) || !(c.origin >= 0) ||
        !(c.origin < c.step)) {
      throw UsageError("lattices: step and origin of column " + std::to_string(c.column) +
                       " must be integers, 0 <= origin < step");
    }
  }
}

double Dequantise::log_steps() const {
  double sum = 0;
  for (const LatticeColumn& c : lattices_) sum += std::log(c.step);
  return sum;
}

const LatticeColumn* Dequantise::off_lattice(std::span<const double> row) const {
  for (const LatticeColumn& c : lattices_) {
    if (!on_lattice(c, row[c.column])) return &c;
  }
  return nullptr;
}

void Dequantise::add_noise(std::span<double> rows, std::span<const std::uint64_t> row_ids,
                           std::uint64_t seed, std::uint64_t draw) const {
  constexpr std::uint32_t kNoColumn = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t key = Rng(seed, RngPurpose::kDequantise, draw, kNoColumn).next_u64();
  for (std::size_t i = 0; i < row_ids.size(); ++i) {
    for (const LatticeColumn& c : lattices_) {
      double& x = rows[i * dimension_ + c.column];
      const auto column = static_cast<std::uint32_t>(c.column);
      const double u = Rng(key, RngPurpose::kDequantise, row_ids[i], column).uniform();
      const double y = x + c.step * u, next = x + c.step;
      x = y < next ? y : std::nextafter(next, x);
    }
  }
}

void Dequantise::centre(std::span<double> rows) const {
  for (const LatticeColumn& c : lattices_) {
    for (std::size_t i = c.column; i < rows.size(); i += dimension_) rows[i] += c.step / 2;
  }
}

void Dequantise::round_down(std::span<double> rows) const {
  for (const LatticeColumn& c : lattices_) {
    for (std::size_t i = c.column; i < rows.size(); i += dimension_) {
      // Further out, every double is as good as on the lattice.
      if (std::fabs(rows[i]) < kLargestInteger) rows[i] = lattice_floor(c, rows[i]);
    }
  }
}

}  // namespace iflow
