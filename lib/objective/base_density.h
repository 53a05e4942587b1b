// The base density of a flow, which its latent rows z are to follow: N(0, I).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "autodiff/tape.h"

namespace iflow {

// ln N(z; 0, I) of one row, in nats.
double log_base_density(std::span<const double> z);

// The same per row, recorded: z [G][E] -> [G][1].
template <class T>
Var log_base_density(Tape<T>& tape, Var z);

// Latent rows first_row .. first_row + n - 1 of a sample: z ~ N(0, temperature^2 I), row i keyed by
// (seed, i, draw). (n, dimension)
std::vector<double> sample_base_density(std::uint64_t seed, std::uint64_t first_row, std::size_t n,
                                        std::size_t dimension, double temperature,
                                        std::uint32_t draw = 0);

}  // namespace iflow
