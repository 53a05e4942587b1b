#include "train/batches.h"

#include <numeric>
#include <utility>

#include "base/rng.h"

namespace iflow {

Batches::Batches(std::size_t rows, std::size_t batch, std::uint64_t seed)
    : rows_(rows), seed_(seed), permutation_(rows), batch_(batch) {
  shuffle(0);
}

const std::vector<std::uint32_t>& Batches::at(std::uint64_t step) {
  const std::uint64_t first = step * batch_.size();
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const std::uint64_t epoch = (first + i) / rows_;
    if (epoch != epoch_) shuffle(epoch);
    batch_[i] = permutation_[(first + i) % rows_];
  }
  return batch_;
}

// Fisher-Yates.
void Batches::shuffle(std::uint64_t epoch) {
  std::iota(permutation_.begin(), permutation_.end(), 0U);
  Rng rng(seed_, RngPurpose::kShuffle, epoch);
  for (std::size_t i = rows_; i > 1; --i)
    std::swap(permutation_[i - 1], permutation_[rng.below(i)]);
  epoch_ = epoch;
}

}  // namespace iflow
