#include "train/gradient.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "flow/lanes.h"
#include "objective/likelihood.h"

namespace iflow {

namespace {

// Small slices share well, large ones spare the traffic of weights and gradients, and more than
// some would cost more memory than they are worth.
constexpr std::size_t kSliceRows = 128;
constexpr std::size_t kMaxSlices = 8;
// A slice goes through the layers in tiles that leave them in cache; narrow layers, whose tensors
// of few rows fit in the first one with all their tangents, in smaller ones.
// (tests/bench/RESULTS.md, tiles, slices and kernels)
constexpr std::size_t kTileRows = 64, kNarrowTileRows = 32, kNarrow = 32;
constexpr std::size_t kMaxTileNumbers = kTileRows * 128;  // of rows, so that images are few

std::size_t slices_of(std::size_t batch, std::size_t dimension) {
  // An image is work enough: a slice for every group of lanes.
  constexpr std::size_t kLongRow = 256;
  if (dimension >= kLongRow) return std::min((batch + kLanes - 1) / kLanes, kMaxSlices);
  constexpr std::size_t kSmallSlice = 64;
  if (batch <= 2 * kSmallSlice) return (batch + kSmallSlice - 1) / kSmallSlice;
  return std::min((batch + kSliceRows - 1) / kSliceRows, kMaxSlices);
}

std::size_t tile_groups(const ParameterLayout& layout, std::size_t dimension) {
  const auto narrow = [](const ParameterInfo& info) { return info.rows <= kNarrow; };
  const auto& entries = layout.entries();
  const bool all_narrow = std::all_of(entries.begin(), entries.end(), narrow);
  return std::clamp<std::size_t>(kMaxTileNumbers / (dimension * kLanes), 1,
                                 (all_narrow ? kNarrowTileRows : kTileRows) / kLanes);
}

void raise_to(std::atomic<std::size_t>& largest, std::size_t x) {
  std::size_t seen = largest;
  while (seen < x && !largest.compare_exchange_weak(seen, x)) {
  }
}

}  // namespace

SliceGradient::SliceGradient(const Flow<float>& flow, std::size_t width, const TrainConfig& config,
                             RowWeights weights)
    : flow_(flow),
      width_(width),
      log_det_(config.log_det),
      jacobian_penalty_(config.jacobian_penalty),
      seed_(config.seed),
      weights_(weights),
      slices_(slices_of(config.batch, flow.dimension())),
      tile_groups_(tile_groups(flow.layout(), flow.dimension())) {}

double SliceGradient::compute(const Batch& batch, const float* effective, std::size_t slice,
                              float* gradient) {
  thread_local Tape<float> inputs(false), tape(true);
  const std::size_t n = batch.numbers.size(), d = flow_.dimension();
  const std::size_t first = slice * n / slices_, count = (slice + 1) * n / slices_ - first;
  const std::size_t lanes = groups_for(count) * kLanes;
  std::vector<float> weights(lanes, 0), log_p(lanes);
  std::vector<std::uint64_t> ids(lanes);
  for (std::size_t i = 0; i < count; ++i) {
    const double weight = weight_of(weights_, batch.numbers[first + i]);
    weights[i] = -static_cast<float>(weight) / static_cast<float>(n);
  }
  std::iota(ids.begin(), ids.end(), first);
  inputs.clear();
  const auto [x, condition] =
      load_rows(inputs, batch.rows.rows.data() + first * width_, count, d, width_);
  const std::uint64_t seed =
      Rng(seed_, RngPurpose::kProbe, batch.step, RngStream::kStep).next_u64();
  Likelihood(flow_).learn({inputs, tape, effective, gradient, log_det_, seed, slice, ids.data(),
                           tile_groups_, condition, width_ - d, jacobian_penalty_},
                          x, flow_.prefix_layers(), weights.data(), log_p.data());
  raise_to(slice_bytes_, inputs.capacity() + tape.capacity());
  double loss = 0;
  for (std::size_t i = 0; i < count; ++i) {
    loss -= weight_of(weights_, batch.numbers[first + i]) * log_p[i];
  }
  return loss;
}

}  // namespace iflow
