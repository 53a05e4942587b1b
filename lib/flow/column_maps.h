// u_j = Phi^-1(F_j(x_j)), column by column, F_j a mixture of Gaussians in one dimension or, where
// there is none, the column as it is. ln |det| = sum over j of ln F_j'(x_j) - ln phi(u_j). Tails
// are as wide as the widest Gaussian's. (mixture/column_map.h learns the F_j)
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/layer_config.h"
#include "mixture/column_map.h"
#include "mixture/knothe_rosenblatt.h"

namespace iflow {

struct ColumnMapsConfig {
  std::vector<ColumnMixture> columns;

  static constexpr const char* kKind = "column maps";
  static void fields(auto& f, auto& c) { f("columns", c.columns); }
  std::string describe() const;
  template <class T>
  std::unique_ptr<Layer<T>> make(const LayerSite& site) const;
};

template <class T>
class ColumnMaps final : public Layer<T> {
 public:
  // Throws UsageError unless there is one F for each column, and as `check` does for these.
  ColumnMaps(const ColumnMapsConfig& config, std::size_t dimension);

  Transformed forward(const Pass<T>& pass, Var x) const override;
  Inverted inverse(const Pass<T>& pass, Var y, const Certificate& certificate,
                   const InverseOptions& options) const override;
  // Infinite where any column is mapped: bound_inverse has what is proved of a row.
  double inverse_lipschitz(const Certificate& certificate, const T* values, const T* y,
                           double radius) const override;
  void bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                     const Certificate& certificate, const InverseOptions& options,
                     std::span<double> errors) const override;

 private:
  double row_error(const T* y, const T* x, double error) const;

  std::vector<std::optional<KnotheRosenblatt>> maps_;
};

extern template class ColumnMaps<float>;
extern template class ColumnMaps<double>;

}  // namespace iflow
