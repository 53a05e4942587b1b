// A mixture of Gaussians with full covariances: the usual baseline of density estimation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "baselines/gaussian.h"

namespace iflow {

struct Mixture {
  std::vector<double> weights;       // of the components, positive, sum 1
  std::vector<Gaussian> components;  // of one dimension
};

// Maximum likelihood by expectation and maximisation from k-means++ starts keyed by the seed
// (Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM algorithm", 1977;
// Arthur, Vassilvitskii, "k-means++", SODA 2007), on at most kMixtureRows of the rows (n, d),
// evenly spread. The number of components, of 1, 2, 3, 5, 8, 12, 20, 30 those that have 2 d rows
// each on average, is the one of least BIC (Schwarz, "Estimating the dimension of a model", 1978),
// the rows counted as effective_rows does.
// 1e-5 of a column's variance is added to its variance in every component. n > d, no column
// constant.
inline constexpr std::size_t kMixtureRows = 10000;
Mixture fit_mixture(std::span<const double> rows, std::size_t dimension, std::uint64_t seed,
                    RowWeights weights = {});

// ln p of every row, in nats.
std::vector<double> log_density(const Mixture& mixture, std::span<const double> rows);

}  // namespace iflow
