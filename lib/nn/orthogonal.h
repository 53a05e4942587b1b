// Random matrices to begin with.
#pragma once

#include <Eigen/Core>

#include "base/rng.h"

namespace iflow {

// Orthonormal rows (or columns, when there are more rows), uniformly distributed: the Q of a
// Gaussian matrix.
Eigen::MatrixXd random_orthogonal(Rng& rng, Eigen::Index rows, Eigen::Index columns);

}  // namespace iflow
