#include "train/batches.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace iflow {
namespace {

// The row numbers of the first `steps` steps, one after the other.
std::vector<std::uint32_t> sequence(std::size_t rows, std::size_t batch, std::uint64_t seed,
                                    std::size_t steps) {
  Batches batches(rows, batch, seed);
  std::vector<std::uint32_t> all;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::vector<std::uint32_t>& at = batches.at(step);
    CHECK(at.size() == batch);
    all.insert(all.end(), at.begin(), at.end());
  }
  return all;
}

TEST_CASE("every epoch is a permutation of the rows, and no two are alike") {
  for (const std::size_t rows : {1, 7, 100, 128, 300}) {
    for (const std::size_t batch : {1, 16, 128}) {
      const std::size_t steps = 4 * rows / batch + 1;
      std::vector<std::uint32_t> all = sequence(rows, batch, 1, steps);
      std::vector<std::vector<std::uint32_t>> epochs;
      for (std::size_t begin = 0; begin + rows <= all.size(); begin += rows) {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
        epochs.emplace_back(first, first + static_cast<std::ptrdiff_t>(rows));
      }
      for (std::size_t e = 0; e < epochs.size(); ++e) {
        if (e > 0 && rows >= 100) CHECK(epochs[e] != epochs[e - 1]);
        std::vector<std::uint32_t> sorted = epochs[e];
        std::sort(sorted.begin(), sorted.end());
        bool permutation = true;
        for (std::size_t i = 0; i < rows; ++i) permutation = permutation && sorted[i] == i;
        INFO(rows, " rows, batches of ", batch, ", epoch ", e);
        CHECK(permutation);
      }
    }
  }
}

TEST_CASE("a step's rows depend on the step and the seed alone") {
  const std::vector<std::uint32_t> all = sequence(50, 16, 3, 20);
  Batches batches(50, 16, 3);
  for (const std::size_t step : {17, 3, 18, 0, 5}) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(16 * step);
    CHECK(batches.at(step) == std::vector<std::uint32_t>(first, first + 16));
  }
  CHECK(sequence(50, 16, 4, 20) != all);
}

TEST_CASE("every row comes first about as often as any other") {
  constexpr std::size_t kRows = 5, kEpochs = 4000;
  const std::vector<std::uint32_t> all = sequence(kRows, kRows, 5, kEpochs);
  std::vector<double> first(kRows, 0);
  for (std::size_t e = 0; e < kEpochs; ++e) ++first[all[e * kRows]];
  const double p = 1.0 / kRows, n = kEpochs;
  for (const double count : first) CHECK(std::fabs(count - n * p) < 4 * std::sqrt(n * p * (1 - p)));
}

}  // namespace
}  // namespace iflow
