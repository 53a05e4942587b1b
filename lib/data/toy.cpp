#include "data/toy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "data/toy_recipes.h"

namespace iflow {

namespace {

// The entropies are -int p ln p over [-6, 6]^2 by composite Gauss-Legendre quadrature of the
// densities beside them; tests/data/toy_test.cpp computes them anew and compares.
const std::vector<Toy>& toys() {
  static const std::vector<Toy> all = {
      {"moons", 1, draw_moons, log_density_moons, 2.39387920},
      {"circles", 2, draw_circles, log_density_circles, 3.26813571},
      {"rings", 3, draw_rings, log_density_rings, 2.62318277},
      {"8gaussians", 4, draw_8gaussians, log_density_8gaussians, 2.83188041},
      {"pinwheel", 5, draw_pinwheel, log_density_pinwheel, 2.31778803},
      {"2spirals", 6, draw_2spirals, log_density_2spirals, 2.64545028},
      {"checkerboard", 7, draw_checkerboard, log_density_checkerboard, std::log(32.0)},
      {"swissroll", 8, draw_swissroll, log_density_swissroll, 2.66964617},
  };
  return all;
}

// Levenshtein distance: the fewest single-character insertions, deletions and substitutions.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);  // row[j]: distance of a[0..i) and b[0..j)
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

[[noreturn]] void throw_unknown(const std::string& name) {
  std::vector<std::string> known = toy_names();
  std::stable_sort(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
  std::string message = "unknown toy data set \"" + name + "\"; choose one of";
  for (const std::string& each : known) message += (&each == &known[0] ? " " : ", ") + each;
  throw UsageError(message);
}

}  // namespace

Toy::Toy(std::string name, std::uint32_t stream, Draw draw, LogDensity density, double entropy)
    : name_(std::move(name)),
      stream_(stream),
      draw_(draw),
      log_density_(density),
      entropy_(entropy) {}

std::vector<double> Toy::sample(std::uint64_t seed, std::uint64_t first_row, std::size_t n) const {
  std::vector<double> rows(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    Rng rng(seed, RngPurpose::kToy, first_row + i, stream_);
    const auto [x1, x2] = draw_(rng);
    rows[2 * i] = x1;
    rows[2 * i + 1] = x2;
  }
  return rows;
}

double Toy::log_density(double x1, double x2) const {
  if (std::isnan(x1) || std::isnan(x2)) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(x1) || std::isinf(x2)) return -std::numeric_limits<double>::infinity();
  return log_density_(x1, x2);
}

const std::vector<std::string>& toy_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Toy& toy : toys()) list.push_back(toy.name());
    return list;
  }();
  return names;
}

const Toy& find_toy(const std::string& name) {
  for (const Toy& toy : toys()) {
    if (toy.name() == name) return toy;
  }
  throw_unknown(name);
}

}  // namespace iflow
