#include "train/update.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

#include "base/parallel.h"
#include "train/gradient_clip.h"
#include "train/schedule.h"
#include "train/soft_threshold.h"

namespace iflow {

namespace {

// Runs of parameters of about equal size, enough of them to share.
std::vector<std::size_t> cut_into_pieces(const ParameterLayout& layout) {
  constexpr std::size_t kPieces = 16;
  std::vector<std::size_t> starts = {0};
  const std::size_t n = layout.entries().size();
  for (std::size_t i = 1; i < n; ++i) {
    if (layout[i].offset * kPieces >= layout.size() * starts.size()) starts.push_back(i);
  }
  starts.push_back(n);
  return starts;
}

// Whether Adam can use a gradient: its moments need finite squares. Magnitudes are compared as
// integers, in whose order NaN comes last.
bool is_usable(const float* gradient, std::size_t n) {
  constexpr float kLargest = 1e19F;  // of which a square is just finite
  std::uint32_t worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    worst = std::max(worst, std::bit_cast<std::uint32_t>(gradient[i]) & 0x7FFFFFFFU);
  }
  return worst < std::bit_cast<std::uint32_t>(kLargest);
}

}  // namespace

ParameterUpdate::ParameterUpdate(const ParameterLayout& layout, const TrainConfig& config)
    : layout_(layout), config_(config), pieces_(cut_into_pieces(layout)) {}

bool ParameterUpdate::apply(GradientSum& gradient, TrainState& state,
                            EffectiveParameters& effective) const {
  const double alpha = config_.learning_rate * state.rate_factor *
                       learning_rate_factor(state.step, config_.steps, config_.warmup);
  const std::uint64_t t = state.step + 1;
  const AdamStep adam(config_.adam, alpha, t);
  const auto shrinkage = static_cast<float>(alpha * config_.l1);
  // The average forgets the first parameters faster than 1 / (1 - ema) steps would.
  const double time = static_cast<double>(t);
  const auto decay = static_cast<float>(std::min(config_.ema, time / (time + 10)));
  std::atomic<bool> usable = true;
  parallel_for(pieces_.size() - 1, [&](std::size_t piece) {
    for (std::size_t i = pieces_[piece]; i < pieces_[piece + 1]; ++i) {
      const std::size_t at = layout_[i].offset, n = layout_[i].size();
      if (!move(i, adam, shrinkage, gradient.total(at, n), state, effective)) usable = false;
      const float* raw = state.raw.data() + at;
      float* average = state.average.data() + at;
      for (std::size_t j = 0; j < n; ++j) average[j] += (1 - decay) * (raw[j] - average[j]);
      effective.normalise(i, state, t % config_.norm_every == 0 ? config_.power_iterations : 0);
    }
  });
  return usable;
}

// The raw parameter moves by the gradient of the effective one. Returns false when Adam has no use
// for it.
bool ParameterUpdate::move(std::size_t parameter, const AdamStep& adam, float shrinkage,
                           float* gradient, TrainState& state,
                           const EffectiveParameters& effective) const {
  const ParameterInfo& info = layout_[parameter];
  const std::size_t n = info.size();
  float* raw = state.raw.data() + info.offset;
  float* v = state.v.data() + info.offset;
  const bool usable = is_usable(gradient, n);
  effective.pull_back(parameter, state, gradient);
  if (config_.clip > 0 && usable && adam.gathered > 0) {
    clip_to_usual(config_.clip, adam.gathered, v, n, gradient);
  }
  adam_update(adam, gradient, n, raw, state.m.data() + info.offset, v);
  if (shrinkage > 0 && info.max_norm > 0) soft_threshold(shrinkage, n, raw);
  return usable;
}

}  // namespace iflow
