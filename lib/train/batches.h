// The order in which training sees the rows: one permutation after the other, each keyed by the
// seed and the epoch, cut into batches that may straddle two of them. Which rows a step sees
// depends on the step alone, so a resumed run goes on where it was.
#pragma once

#include <cstdint>
#include <vector>

namespace iflow {

class Batches {
 public:
  // rows > 0, batch > 0. Every row must have a number that 32 bits hold.
  Batches(std::size_t rows, std::size_t batch, std::uint64_t seed);

  // The row numbers of step `step` (from 0), `batch` of them.
  const std::vector<std::uint32_t>& at(std::uint64_t step);

 private:
  void shuffle(std::uint64_t epoch);

  std::size_t rows_;
  std::uint64_t seed_;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint32_t> permutation_;
  std::vector<std::uint32_t> batch_;
};

}  // namespace iflow
