// Integers have no density; spread evenly over the steps of their lattice they have one:
// y = x + step u, u ~ U[0, 1). A flow learns the density p of y. By Jensen's inequality
// E_u ln p(x + step u), plus ln step for every such column, is at most ln P(x), the log-probability
// that the flow gives to the bin [x, x + step). (Theis, van den Oord, Bethge, "A note on the
// evaluation of generative models", ICLR 2016; lib/MATHS.md, section 4)
//
// This is no layer: it takes a row's number, by which its noise is keyed, and its way back,
// rounding down, undoes no single map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "preprocess/lattice.h"

namespace iflow {

class Dequantise {
 public:
  // `lattices`: of the integer columns among the `dimension`, each at most once. Throws UsageError
  // where they make no sense.
  Dequantise(std::vector<LatticeColumn> lattices, std::size_t dimension);

  const std::vector<LatticeColumn>& lattices() const { return lattices_; }
  bool empty() const { return lattices_.empty(); }
  // The sum of ln step over the columns.
  double log_steps() const;

  // The lattice that the row (dimension) is off; null where it is on all of them.
  const LatticeColumn* off_lattice(std::span<const double> row) const;

  // All of them change rows (n, dimension) in place.
  // Adds the noise of draw number `draw`, keyed by (seed, draw, row_ids[i], column). With numbers
  // of the lattice, x <= y < x + step holds for the rounded y as well.
  void add_noise(std::span<double> rows, std::span<const std::uint64_t> row_ids, std::uint64_t seed,
                 std::uint64_t draw) const;
  // To the middle of the bins: u = 1/2.
  void centre(std::span<double> rows) const;
  // To the lattice: the point at or below.
  void round_down(std::span<double> rows) const;

 private:
  std::vector<LatticeColumn> lattices_;
  std::size_t dimension_;
};

}  // namespace iflow
