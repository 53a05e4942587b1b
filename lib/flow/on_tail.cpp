#include "flow/on_tail.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "autodiff/ops.h"

namespace iflow {

template <class T>
OnTail<T>::OnTail(std::unique_ptr<Layer<T>> inner, std::size_t count, std::size_t dimension)
    : inner_(std::move(inner)), count_(count), skipped_((dimension - count) * kLanes) {}

template <class T>
Var OnTail<T>::tail(Tape<T>& tape, Var x) const {
  return ops::elements(tape, x, x.elements - count_, count_);
}

template <class T>
Var OnTail<T>::joined(Tape<T>& tape, Var x, Var y) const {
  return ops::behind(tape, y, ops::elements(tape, x, 0, x.elements - count_));
}

template <class T>
Transformed OnTail<T>::forward(const Pass<T>& pass, Var x) const {
  const Transformed result = inner_->forward(pass, tail(pass.tape, x));
  return {joined(pass.tape, x, result.y), result.log_det};
}

template <class T>
Var OnTail<T>::transform(const Pass<T>& pass, Var x) const {
  return joined(pass.tape, x, inner_->transform(pass, tail(pass.tape, x)));
}

template <class T>
Prepared<T> OnTail<T>::prepare_to_learn(const Pass<T>& pass, Var x,
                                        const LogDetConfig& config) const {
  Prepared<T> result = inner_->prepare_to_learn(pass, tail(pass.tape, x), config);
  result.y = joined(pass.tape, x, result.y);
  return result;
}

template <class T>
Learnable<T> OnTail<T>::forward_to_learn(const Pass<T>& pass, Var x, const LogDetDraw& draw,
                                         const Linearised<T>* known) const {
  Learnable<T> result = inner_->forward_to_learn(pass, tail(pass.tape, x), draw, known);
  result.y = joined(pass.tape, x, result.y);
  return result;
}

template <class T>
Var OnTail<T>::sample_log_det(const Pass<T>& pass, Var x, const LogDetSampling& sampling,
                              LogDetSamples& samples) const {
  const Var y = inner_->sample_log_det(pass, tail(pass.tape, x), sampling, samples);
  return joined(pass.tape, x, y);
}

template <class T>
Inverted OnTail<T>::inverse(const Pass<T>& pass, Var y, const InverseOptions& options) const {
  Inverted result = inner_->inverse(pass, tail(pass.tape, y), options);
  result.x = joined(pass.tape, y, result.x);
  return result;
}

template <class T>
void OnTail<T>::initialise(const Pass<T>& pass, std::span<T> values, Var x, const double* weights,
                           std::uint64_t seed) const {
  inner_->initialise(pass, values, tail(pass.tape, x), weights, seed);
}

template <class T>
void OnTail<T>::prove(const ParameterLayout& layout, std::span<const double> values,
                      std::span<const double> norms) {
  inner_->prove(layout, values, norms);
}

template <class T>
double OnTail<T>::inverse_lipschitz(const T* values) const {
  return std::max(inner_->inverse_lipschitz(values), 1.0);
}

template <class T>
double OnTail<T>::inverse_lipschitz_near(const T* values, const T* y, double radius) const {
  return std::max(inner_->inverse_lipschitz_near(values, y + skipped_, radius), 1.0);
}

// The head passes an error on as it is, the tail by the inner layer's constant; the inner layer
// adds what it would without any.
template <class T>
double OnTail<T>::inverse_error(const T* values, const T* y, const T* x, const InverseRow* row,
                                double error) const {
  if (!(error < std::numeric_limits<double>::infinity())) return error;
  const double own = inner_->inverse_error(values, y + skipped_, x + skipped_, row, 0);
  const double carried = error > 0 ? inverse_lipschitz_near(values, y, error) * error : 0;
  return (carried + own) * (1 + 0x1p-50);
}

template class OnTail<float>;
template class OnTail<double>;

}  // namespace iflow
