// The eight standard two-dimensional data sets, each with its true density and entropy: samples to
// learn from, and the floor that no model's test NLL can honestly pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace iflow {

class Rng;

// One toy data set: a recipe for a random point (x1, x2) and what follows from it.
class Toy {
 public:
  using Draw = std::array<double, 2> (*)(Rng&);
  using LogDensity = double (*)(double x1, double x2);

  // `stream` keeps the random numbers of one toy apart from those of another and is part of the
  // data: once released it never changes.
  Toy(std::string name, std::uint32_t stream, Draw draw, LogDensity density, double entropy);

  const std::string& name() const { return name_; }

  // Rows first_row .. first_row + n - 1 of the endless table that belongs to `seed`, as n x 2
  // numbers in row-major order. A row depends on (seed, toy, its own index) alone.
  std::vector<double> sample(std::uint64_t seed, std::uint64_t first_row, std::size_t n) const;

  // ln p(x1, x2) in nats. The error is below 1e-10 where p > 1e-20, except very close to the
  // pinwheel's folds, where p is infinite; elsewhere it is below one part in a hundred. -inf where
  // p is zero or -ln p overflows, NaN for a NaN.
  double log_density(double x1, double x2) const;

  // -E ln p in nats, to 1e-7.
  double entropy() const { return entropy_; }

 private:
  std::string name_;
  std::uint32_t stream_;
  Draw draw_;
  LogDensity log_density_;
  double entropy_;
};

// The names that `find_toy` accepts, in the order of the help.
const std::vector<std::string>& toy_names();

// The toy called `name`. Throws UsageError for an unknown name, listing the known ones, the most
// similar first.
const Toy& find_toy(const std::string& name);

}  // namespace iflow
