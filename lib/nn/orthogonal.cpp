#include "nn/orthogonal.h"

#include <Eigen/QR>
#include <algorithm>

namespace iflow {

Eigen::MatrixXd random_orthogonal(Rng& rng, Eigen::Index rows, Eigen::Index columns) {
  const Eigen::Index tall = std::max(rows, columns), narrow = std::min(rows, columns);
  Eigen::MatrixXd gaussian(tall, narrow);
  for (Eigen::Index i = 0; i < tall; ++i) {
    for (Eigen::Index j = 0; j < narrow; ++j) gaussian(i, j) = rng.normal();
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(gaussian);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(tall, narrow);
  for (Eigen::Index j = 0; j < narrow; ++j) {
    if (qr.matrixQR()(j, j) < 0) q.col(j) *= -1;  // makes the distribution uniform
  }
  if (rows >= columns) return q;
  return q.transpose();
}

}  // namespace iflow
