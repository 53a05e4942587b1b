// The candidates that a stack weighs, each of them a mixture of Gaussians in the whitened space.
#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <string>
#include <vector>

#include "mixture/gaussian_mixture.h"
#include "mixture/map_em.h"
#include "mixture/stacking.h"

namespace iflow {

struct Member {
  enum class Kind {
    kGaussian,    // N(0, I)
    kWide,        // N(0, scale^2 I)
    kWideColumn,  // N(0, I), but of `scale` standard deviations in one column before whitening
    kKernels,     // N(row, scale^2 I) at every row
    kMixture,     // regularised, by expectation and maximisation
  };
  Kind kind = Kind::kGaussian;
  double scale = 1;
  std::size_t column = 0;      // of kWideColumn
  std::size_t components = 1;  // of kMixture
  CovariancePrior prior = {};  // of kMixture

  StackRole role() const;
  // In words, such as "7 Gaussians, covariances drawn to their mean by 6 rows"; columns are named
  // by number from 1 on.
  std::string name() const;
};

// How much of all this a table is worth: a function of its shape alone.
struct MemberPlan {
  std::size_t folds = 5;     // 1: a single split
  std::size_t held_out = 0;  // rows of the single split
  bool kernels = true;
  std::vector<CovariancePrior> priors;        // of mixtures
  std::vector<std::size_t> component_counts;  // ascending
  // Leave off the counts behind two that were worse one after the other.
  bool until_worse = true;
  int starts = 2, steps = 80;
  std::size_t em_rows = 10000;     // that mixtures learn from at most
  std::size_t column_rows = 4000;  // that column maps learn from at most
};

// rows: distinct ones.
MemberPlan plan_members(std::size_t rows, std::size_t dimension, bool kernels);

// Those that need no iteration: the Gaussian, the wide ones, kernels where planned.
std::vector<Member> simple_members(const MemberPlan& plan, std::size_t dimension);

// Rows as members see them, whitened by the factor L: y = L^-1 (u - centre).
struct MemberRows {
  Eigen::MatrixXd rows;     // y (n, d)
  Eigen::VectorXd weights;  // (n)
  Eigen::MatrixXd factor;   // L (d, d), lower triangular
};

// Of any kind but kMixture.
GaussianMixture fit_simple_member(const Member& member, const MemberRows& rows);

}  // namespace iflow
