// The correlations that a flow of tables whitens by, an estimate for few rows as for many.
#pragma once

#include <cstddef>
#include <span>

#include "flow/whiten.h"
#include "preprocess/moments.h"

namespace iflow {

// L for standardised rows (n, d): the Cholesky factor of their correlations, shrunk towards none.
// Ledoit and Wolf ("A well-conditioned estimator for large-dimensional covariance matrices",
// Journal of Multivariate Analysis 88, 2004) shrink by as much as the number of rows makes all of
// them uncertain, which hides columns that nearly depend on others: a tenth of that shrinkage, a
// hundredth and so on, and none, take its place where the Gaussian then gives the held-out rows
// (m, d) more by two standard errors. Throws NumericError where the correlations stay singular.
WhitenConfig shrunk_correlations(std::span<const double> standardised, std::size_t dimension,
                                 RowWeights weights = {}, std::span<const double> held_out = {},
                                 RowWeights held_out_weights = {});

}  // namespace iflow
