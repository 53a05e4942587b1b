// The learning rate over a run: a linear warm-up, then half a cosine to zero. (Loshchilov, Hutter,
// "SGDR", ICLR 2017)
#pragma once

#include <cstdint>

namespace iflow {

// The factor of the base learning rate for step `step` (from 0) of `steps`; the first
// `warmup` (a fraction of all steps) rise linearly.
double learning_rate_factor(std::uint64_t step, std::uint64_t steps, double warmup);

}  // namespace iflow
