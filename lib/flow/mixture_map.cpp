#include "flow/mixture_map.h"

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "flow/lane_groups.h"

namespace iflow {

std::string MixtureConfig::describe() const {
  const std::size_t n = mixture.components();
  return "mixture of " + std::to_string(n) + (n == 1 ? " Gaussian" : " Gaussians");
}

template <class T>
std::unique_ptr<Layer<T>> MixtureConfig::make(const LayerSite& site) const {
  return std::make_unique<MixtureMap<T>>(*this, site.dimension);
}

template <class T>
MixtureMap<T>::MixtureMap(const MixtureConfig& config, std::size_t dimension)
    : map_(config.mixture) {
  if (config.mixture.dimension != dimension) {
    throw UsageError("mixture: it has another dimension than what reaches it");
  }
}

template <class T>
Transformed MixtureMap<T>::forward(const Pass<T>& pass, Var x) const {
  const Var y = pass.tape.variable(x.elements, x.groups);
  const Var log_det = pass.tape.variable(1, x.groups);
  const std::size_t group = x.elements * kLanes;
  AlignedVector<double> z(group), log_dets(kLanes);
  for (std::size_t g = 0; g < x.groups; ++g) {
    map_.forward(in_double(pass.tape.value(x) + g * group, group).data(), z.data(),
                 log_dets.data());
    copy_from_double(z, pass.tape.value(y) + g * group);
    copy_from_double(log_dets, pass.tape.value(log_det) + g * kLanes);
  }
  // Either adjoint is pulled back by itself: one of them may never come.
  const auto pull_back = [x, group, this](Tape<T>& t, const T* dy, const T* d_log_det) {
    T* dx = t.adjoint_to_add(x);
    const AlignedVector<double> none(group, 0.0);
    for (std::size_t g = 0; g < x.groups; ++g) {
      AlignedVector<double> pulled(group, 0.0);
      map_.backward(in_double(t.value(x) + g * group, group).data(),
                    dy ? in_double(dy + g * group, group).data() : none.data(),
                    d_log_det ? in_double(d_log_det + g * kLanes, kLanes).data() : none.data(),
                    pulled.data());
      add_in_double(pulled, dx + g * group);
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
std::optional<Var> MixtureMap<T>::log_density(const Pass<T>& pass, Var x) const {
  const Var log_p = pass.tape.variable(1, x.groups);
  const std::size_t group = x.elements * kLanes;
  AlignedVector<double> values(kLanes);
  for (std::size_t g = 0; g < x.groups; ++g) {
    map_.mixture().log_density(in_double(pass.tape.value(x) + g * group, group).data(),
                               values.data());
    copy_from_double(values, pass.tape.value(log_p) + g * kLanes);
  }
  pass.tape.on_backward(log_p, [log_p, x, group, this](Tape<T>& t) {
    const T* seeds = t.output_adjoint(log_p);
    T* dx = t.adjoint_to_add(x);
    AlignedVector<double> again(kLanes);
    for (std::size_t g = 0; g < x.groups; ++g) {
      AlignedVector<double> pulled(group, 0.0);
      map_.mixture().log_density_and_gradient(in_double(t.value(x) + g * group, group).data(),
                                              in_double(seeds + g * kLanes, kLanes).data(),
                                              again.data(), pulled.data());
      add_in_double(pulled, dx + g * group);
    }
  });
  return log_p;
}

template <class T>
Inverted MixtureMap<T>::inverse(const Pass<T>& pass, Var y, const Certificate&,
                                const InverseOptions&) const {
  const Var x = pass.tape.variable(y.elements, y.groups);
  const std::size_t group = y.elements * kLanes;
  AlignedVector<double> roots(group);
  for (std::size_t g = 0; g < y.groups; ++g) {
    map_.inverse(in_double(pass.tape.value(y) + g * group, group).data(), roots.data());
    copy_from_double(roots, pass.tape.value(x) + g * group);
  }
  return {x};
}

template <class T>
double MixtureMap<T>::inverse_lipschitz(const Certificate&, const T*, const T*, double) const {
  return std::numeric_limits<double>::infinity();
}

template <class T>
void MixtureMap<T>::bound_inverse(const Pass<T>& pass, Var y, const Inverted& inverted,
                                  const Certificate&, const InverseOptions&,
                                  std::span<double> errors) const {
  for (std::size_t row = 0; row < errors.size(); ++row) {
    const std::size_t at = row / kLanes * y.elements * kLanes + row % kLanes;
    errors[row] = row_error(pass.tape.value(y) + at, pass.tape.value(inverted.x) + at, errors[row]);
  }
}

// What is proved of one row, whose elements stand kLanes apart.
template <class T>
double MixtureMap<T>::row_error(const T* y, const T* x, double error) const {
  const std::size_t d = map_.dimension();
  std::vector<double> row(d), image(d), bounds(d);
  for (std::size_t i = 0; i < d; ++i) {
    row[i] = x[i * kLanes];
    image[i] = y[i * kLanes];
  }
  map_.bound_inverse(row, image, error, bounds);
  double squares = 0;
  for (const double bound : bounds) squares += bound * bound;
  return std::sqrt(squares) * (1 + 0x1p-40);
}

template std::unique_ptr<Layer<float>> MixtureConfig::make(const LayerSite&) const;
template std::unique_ptr<Layer<double>> MixtureConfig::make(const LayerSite&) const;
template class MixtureMap<float>;
template class MixtureMap<double>;

}  // namespace iflow
