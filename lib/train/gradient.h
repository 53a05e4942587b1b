// The gradient of the mean loss over a batch, slice by slice. A batch is cut into slices by its
// size alone, each with a gradient of its own (gradient_sum.h adds them); none of it depends on the
// threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/row_weights.h"
#include "flow/flow.h"
#include "train/config.h"
#include "train/prefix.h"

namespace iflow {

// The rows of a step.
struct Batch {
  std::uint64_t step;
  std::span<const std::uint32_t> numbers;  // of the rows, among those to learn from
  PrefixedRows rows;                       // the rows themselves, in this order
};

class SliceGradient {
 public:
  // The gradients of batches of config.batch rows of `width` numbers. `weights`: of all rows to
  // learn from. Flow and weights must outlive it.
  SliceGradient(const Flow<float>& flow, std::size_t width, const TrainConfig& config,
                RowWeights weights);

  std::size_t slices() const { return slices_; }

  // gradient <- the slice's part of the gradient of the batch's mean loss by the effective
  // parameters; returns the sum of the losses of the slice's rows, behind the prefix. Several
  // threads may ask at a time.
  double compute(const Batch& batch, const float* effective, std::size_t slice, float* gradient);

  // The most that a slice has held on its tapes so far.
  std::size_t slice_bytes() const { return slice_bytes_; }

 private:
  const Flow<float>& flow_;
  std::size_t width_;  // numbers in a row
  LogDetOptions log_det_;
  double jacobian_penalty_;
  std::uint64_t seed_;
  RowWeights weights_;
  std::size_t slices_;
  std::size_t tile_groups_;  // groups of rows that go through the layers at a time
  std::atomic<std::size_t> slice_bytes_ = 0;
};

}  // namespace iflow
