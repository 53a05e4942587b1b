#include "base/row_weights.h"

namespace iflow {

double effective_rows(RowWeights weights) {
  double sum = 0, squares = 0;
  for (const double w : weights) {
    sum += w;
    squares += w * w;
  }
  return sum * sum / squares;
}

}  // namespace iflow
