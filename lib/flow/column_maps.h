// u_j = Phi^-1(F_j(x_j)), column by column, F_j a mixture of Gaussians in one dimension or, where
// there is none, the column as it is. ln |det| = sum over j of ln F_j'(x_j) - ln phi(u_j). Tails
// are as wide as the widest Gaussian's. (mixture/column_map.h learns the F_j)
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "flow/layer.h"
#include "mixture/column_map.h"
#include "mixture/knothe_rosenblatt.h"

namespace iflow {

struct ColumnMapsConfig {
  std::vector<ColumnMixture> columns;
};

template <class T>
class ColumnMaps final : public Layer<T> {
 public:
  // Throws UsageError unless there is one F for each column, and as `check` does for these.
  ColumnMaps(const ColumnMapsConfig& config, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const InverseOptions& options) const override;
  // Infinite where any column is mapped: inverse_error has what is proved of one row.
  double inverse_lipschitz(const T* values) const override;
  double inverse_error(const T* values, const T* y, const T* x, const InverseRow* row,
                       double error) const override;

 private:
  std::vector<std::optional<KnotheRosenblatt>> maps_;
};

extern template class ColumnMaps<float>;
extern template class ColumnMaps<double>;

}  // namespace iflow
