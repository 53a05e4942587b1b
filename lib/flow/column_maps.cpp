#include "flow/column_maps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "flow/lane_groups.h"

namespace iflow {

std::string ColumnMapsConfig::describe() const {
  const auto mapped = std::count_if(columns.begin(), columns.end(),
                                    [](const ColumnMixture& c) { return !c.identity(); });
  return "maps of " + std::to_string(mapped) + " of " + std::to_string(columns.size()) +
         (columns.size() == 1 ? " column" : " columns");
}

template <class T>
std::unique_ptr<Layer<T>> ColumnMapsConfig::make(const LayerSite& site) const {
  return std::make_unique<ColumnMaps<T>>(*this, site.dimension);
}

template <class T>
ColumnMaps<T>::ColumnMaps(const ColumnMapsConfig& config, std::size_t dimension) {
  if (config.columns.size() != dimension) {
    throw UsageError("column maps: there must be one for each column");
  }
  for (const ColumnMixture& column : config.columns) {
    if (column.means.size() != column.log_weights.size() ||
        column.deviations.size() != column.log_weights.size()) {
      throw UsageError("column maps: a mixture's numbers do not fit together");
    }
    maps_.emplace_back();
    if (!column.identity()) maps_.back().emplace(mixture_of(column));
  }
}

template <class T>
Transformed ColumnMaps<T>::forward(const Pass<T>& pass, Var x) const {
  const Var y = pass.tape.variable(x.elements, x.groups);
  const Var log_det = pass.tape.variable(1, x.groups);
  AlignedVector<double> u(kLanes), slopes(kLanes);
  for (std::size_t g = 0; g < x.groups; ++g) {
    AlignedVector<double> sums(kLanes, 0.0);
    for (std::size_t j = 0; j < maps_.size(); ++j) {
      const T* xs = pass.tape.value(x) + (g * maps_.size() + j) * kLanes;
      T* ys = pass.tape.value(y) + (g * maps_.size() + j) * kLanes;
      std::copy_n(xs, kLanes, ys);
      if (!maps_[j]) continue;
      maps_[j]->forward(in_double(xs, kLanes).data(), u.data(), slopes.data());
      copy_from_double(u, ys);
      for (std::size_t l = 0; l < kLanes; ++l) sums[l] += slopes[l];
    }
    copy_from_double(sums, pass.tape.value(log_det) + g * kLanes);
  }
  // Either adjoint is pulled back by itself: one of them may never come.
  const auto pull_back = [x, this](Tape<T>& t, const T* dy, const T* d_log_det) {
    T* dx = t.adjoint_to_add(x);
    const AlignedVector<double> none(kLanes, 0.0);
    for (std::size_t i = 0; i < x.groups * maps_.size(); ++i) {
      const std::optional<KnotheRosenblatt>& map = maps_[i % maps_.size()];
      AlignedVector<double> pulled(kLanes, 0.0);
      const AlignedVector<double> seed = dy ? in_double(dy + i * kLanes, kLanes) : none;
      const AlignedVector<double> slope_seed =
          d_log_det ? in_double(d_log_det + i / maps_.size() * kLanes, kLanes) : none;
      if (map) {
        map->backward(in_double(t.value(x) + i * kLanes, kLanes).data(), seed.data(),
                      slope_seed.data(), pulled.data());
      }
      add_in_double(map ? pulled : seed, dx + i * kLanes);
    }
  };
  pass.tape.on_backward(y,
                        [y, pull_back](Tape<T>& t) { pull_back(t, t.output_adjoint(y), nullptr); });
  pass.tape.on_backward(log_det, [log_det, pull_back](Tape<T>& t) {
    pull_back(t, nullptr, t.output_adjoint(log_det));
  });
  return {y, log_det};
}

template <class T>
Inverted ColumnMaps<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                                const InverseOptions&) const {
  const Var x = pass.tape.variable(y.elements, y.groups);
  AlignedVector<double> roots(kLanes);
  for (std::size_t i = 0; i < y.groups * maps_.size(); ++i) {
    const std::optional<KnotheRosenblatt>& map = maps_[i % maps_.size()];
    const AlignedVector<double> from = in_double(pass.tape.value(y) + i * kLanes, kLanes);
    if (map) map->inverse(from.data(), roots.data());
    copy_from_double(map ? roots : from, pass.tape.value(x) + i * kLanes);
  }
  return {x};
}

template <class T>
double ColumnMaps<T>::inverse_lipschitz(const Certificate&, const T*, const T*, double) const {
  const bool any = std::any_of(maps_.begin(), maps_.end(), [](const auto& m) { return !!m; });
  return any ? std::numeric_limits<double>::infinity() : 1;
}

template <class T>
void ColumnMaps<T>::bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                                  const Certificate&, const InverseOptions&,
                                  std::span<double> errors) const {
  for (std::size_t row = 0; row < errors.size(); ++row) {
    const std::size_t at = row / kLanes * y.elements * kLanes + row % kLanes;
    errors[row] = row_error(pass.tape.value(y) + at, pass.tape.value(inverted.x) + at, errors[row]);
  }
}

// What is proved of one row, whose elements stand kLanes apart.
template <class T>
double ColumnMaps<T>::row_error(const T* y, const T* x, double error) const {
  double squares = 0;
  for (std::size_t j = 0; j < maps_.size(); ++j) {
    double bound = error;
    const double at = x[j * kLanes], image = y[j * kLanes];
    if (maps_[j]) maps_[j]->bound_inverse({&at, 1}, {&image, 1}, error, {&bound, 1});
    squares += bound * bound;
  }
  return std::sqrt(squares) * (1 + 0x1p-40);
}

template std::unique_ptr<Layer<float>> ColumnMapsConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> ColumnMapsConfig::make(const LayerSite&) const;
template class ColumnMaps<float>;
template class ColumnMaps<double>;

}  // namespace iflow
