// The spaces in which a stack is learned: columns standardised, mapped one by one or left as they
// are, and whitened by their shrunk correlation. What is chosen on the way, maps and shrinkage, is
// chosen for every fold by the rows that the other folds hold out.
#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <vector>

#include "mixture/column_map.h"
#include "mixture/stack_rows.h"
#include "preprocess/moments.h"

namespace iflow {

struct Space {
  ColumnMoments moments;
  std::vector<ColumnMixture> maps;  // of standardised columns; none at all where none is learned
  std::vector<double> gains;        // of each map, in held-out nats per row
  Eigen::MatrixXd factor;           // L (d, d), lower triangular
  Eigen::VectorXd centre;           // of the mapped columns
  double shrinkage = 0;             // of the correlation towards none
  Eigen::MatrixXd rows;             // L^-1 (u - centre) of all rows (n, d)
  Eigen::VectorXd log_det;          // ln |det| from the data to these (n)

  bool mapped() const;  // whether any map is not the identity
};

// One space for each set of `data`, and a last one that all rows are learned from. with_maps:
// learns maps. map_rows: that maps learn from at most.
std::vector<Space> learn_spaces(const StackRows& data, bool with_maps, std::size_t map_rows);

// u and ln du/dx of numbers x (n) under a map that is not the identity.
void map_column(const ColumnMixture& map, const double* x, std::size_t n, double* u,
                double* log_slope);

}  // namespace iflow
