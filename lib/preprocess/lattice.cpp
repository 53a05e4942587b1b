#include "preprocess/lattice.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>

namespace iflow {

namespace {

constexpr double kMostSteps = 0x1p40;

std::optional<LatticeColumn> lattice_of(const Table& table, std::size_t column) {
  const double first = table.row(0)[column];
  double largest = 0;
  std::int64_t step = 0;
  for (std::size_t i = 0; i < table.rows; ++i) {
    const double x = table.row(i)[column];
    if (!is_integer(x)) return std::nullopt;
    largest = std::max(largest, std::fabs(x));
    step = std::gcd(step, static_cast<std::int64_t>(x) - static_cast<std::int64_t>(first));
  }
  if (step == 0 || largest > kMostSteps * static_cast<double>(step)) return std::nullopt;
  const std::int64_t rest = static_cast<std::int64_t>(first) % step;
  return LatticeColumn{column, static_cast<double>(rest < 0 ? rest + step : rest),
                       static_cast<double>(step)};
}

}  // namespace

bool is_integer(double x) { return x == std::floor(x) && std::fabs(x) < kLargestInteger; }

std::vector<LatticeColumn> find_lattices(const Table& table) {
  std::vector<LatticeColumn> lattices;
  for (std::size_t j = 0; j < table.columns.size(); ++j) {
    if (const auto lattice = lattice_of(table, j)) lattices.push_back(*lattice);
  }
  return lattices;
}

std::vector<LatticeColumn> unit_lattices(std::size_t columns) {
  std::vector<LatticeColumn> lattices(columns);
  for (std::size_t j = 0; j < columns; ++j) lattices[j].column = j;
  return lattices;
}

bool on_lattice(const LatticeColumn& lattice, double x) {
  return is_integer(x) && std::fmod(x - lattice.origin, lattice.step) == 0;
}

double lattice_floor(const LatticeColumn& lattice, double y) {
  double x = lattice.origin + std::floor((y - lattice.origin) / lattice.step) * lattice.step;
  // The quotient was rounded; lattice points themselves are exact.
  if (x > y) x -= lattice.step;
  if (x + lattice.step <= y) x += lattice.step;
  return x;
}

}  // namespace iflow
